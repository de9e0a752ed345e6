"""What a person is shown, as values. Knows nothing of Slack: bot/slack/blocks.py draws it."""
