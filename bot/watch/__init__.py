"""Polls tracked secrets, finds out what changed, and notifies the people who track them.

    watcher.py ──▶ host_poller.py ──▶ poll.py ──▶ database: states and notifications ──▶ notifier.py ──▶ Slack
                    one per host       one watch

The parts of a host poller, one file each: `schedule` (when), `lease_renewer` (who), `circuit_breaker` (whether the
host may be called), `unchanged` (whether anything must be compared), `key_budget` (how many calls by key) and
`batch_writer` (polls that found nothing new, written together). `single_instance` stops a second watcher on SQLite.
"""
