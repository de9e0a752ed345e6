"""One-time secrets in Slack."""
