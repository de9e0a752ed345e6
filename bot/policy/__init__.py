"""What is allowed: rules of whoever runs the bot and of a workspace's admins, and the one place that decides.

Pure values. What is stored and cached is in bot/storage/policies.py and bot/interaction/policies.py.
"""
