"""What a person is shown, as values. bot/slack/blocks.py turns these values into Slack's blocks."""
