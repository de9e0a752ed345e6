"""What a mutation run breaks: the files of each area, each with the tests that run for its mutants, the quick ones first.

The tests of one file should take seconds: they run once for each mutant.
"""

from __future__ import annotations

from collections.abc import Mapping

Tests = tuple[str, ...]

SEALING: Mapping[str, Tests] = {
    "bot/storage/sealing/commands.py": ("tests/storage/test_keys_command.py",),
    "bot/storage/sealing/key_checks.py": ("tests/storage/test_key_checks.py", "tests/storage/test_keys_command.py"),
    "bot/storage/sealing/keyring.py": ("tests/unit/test_keyring.py", "tests/unit/test_seal.py"),
    "bot/storage/sealing/data_keys.py": ("tests/storage/test_data_keys.py",),
    "bot/storage/sealing/sealer.py": ("tests/unit/test_seal.py", "tests/unit/test_root_key.py"),
}
KEY_CHANGES: Mapping[str, Tests] = {  # apart from SEALING, since their tests take a minute
    "bot/storage/sealing/blind_indexes.py": ("tests/storage/test_rotation.py",),
    "bot/storage/sealing/changing.py": ("tests/storage/test_key_file.py",),
    "bot/storage/sealing/key_command.py": ("tests/storage/test_key_source.py",),
    "bot/storage/sealing/key_file.py": ("tests/storage/test_key_file.py",),
    "bot/storage/sealing/key_source.py": ("tests/storage/test_key_source.py",),
    "bot/storage/sealing/key_uses.py": ("tests/storage/test_key_file.py", "tests/storage/test_rotation.py"),
    "bot/storage/sealing/rotation.py": ("tests/storage/test_rotation.py",),
}
AUTHORIZATION: Mapping[str, Tests] = {
    "bot/interaction/owners.py": ("tests/unit/test_registry.py", "tests/journeys/test_authorization.py"),
    "bot/slack/deduplicator.py": ("tests/unit/test_deduplicator.py",),
    "bot/slack/members.py": ("tests/unit/test_members.py",),
    "bot/slack/payloads.py": ("tests/unit/test_payloads.py", "tests/journeys/test_every_kind.py"),
    "bot/slack/signature.py": ("tests/unit/test_signature.py",),
    "bot/storage/accounts.py": ("tests/storage/test_accounts.py",),
    "bot/storage/button_contexts.py": ("tests/storage/test_button_contexts.py",),
    "bot/storage/limits.py": ("tests/storage/test_limits.py",),
    "bot/storage/requests.py": ("tests/storage/test_requests.py",),
}
DELIVERY: Mapping[str, Tests] = {
    "bot/slack/messenger.py": ("tests/unit/test_messenger.py",),
    "bot/slack/token_health.py": ("tests/unit/test_slack_codes.py",),
    "bot/slack_codes.py": ("tests/unit/test_slack_codes.py",),
    "bot/storage/dead_letters.py": ("tests/storage/test_dead_letters.py",),
    "bot/storage/leases.py": ("tests/storage/test_leases.py", "tests/faults/test_notifier.py"),
    "bot/storage/notifications.py": (
        "tests/storage/test_notifications.py",
        "tests/storage/test_dead_letters.py",
        "tests/faults/test_notifier.py",
    ),
    "bot/storage/tracking/changes.py": ("tests/storage/test_polls.py", "tests/storage/test_notifications.py"),
    "bot/storage/tracking/polls.py": ("tests/storage/test_polls.py", "tests/storage/test_tracking.py"),
    "bot/watch/lease_renewer.py": (
        "tests/unit/test_lease_renewer.py",
        "tests/faults/test_notifier.py",
        "tests/faults/test_watcher.py",
    ),
    "bot/watch/notifier.py": ("tests/faults/test_notifier.py",),
    "bot/watch/poll.py": ("tests/unit/test_watch_poll.py", "tests/faults/test_watcher.py"),
    "bot/watch/prepare.py": ("tests/faults/test_notifier.py",),
    "bot/watch/workspace_pauses.py": ("tests/unit/test_workspace_pauses.py", "tests/faults/test_notifier.py"),
}
REDACTION: Mapping[str, Tests] = {
    "bot/logs.py": ("tests/unit/test_logs.py",),
    "bot/secret.py": ("tests/unit/test_secret.py", "tests/unit/test_secret_holders.py", "tests/unit/test_seal.py"),
    "bot/slack/blocks.py": ("tests/unit/test_drawing.py", "tests/unit/test_blocks.py"),
    "bot/slack/texts.py": ("tests/unit/test_drawing.py", "tests/unit/test_blocks.py", "tests/unit/test_defang.py"),
}
EGRESS: Mapping[str, Tests] = {
    "bot/onetime/client.py": ("tests/faults/test_connection_failures.py", "tests/faults/test_hostile_host.py"),
    "bot/onetime/links.py": ("tests/unit/test_links.py", "tests/unit/test_settings.py"),
    "bot/onetime/wire/body.py": ("tests/unit/test_wire.py", "tests/faults/test_hostile_host.py"),
    "bot/onetime/wire/refusals.py": ("tests/unit/test_wire.py", "tests/contract/test_recorded_answers.py"),
    "bot/onetime/wire/requests.py": ("tests/unit/test_wire_requests.py",),
    "bot/slack/web.py": (
        "tests/faults/test_slack_calls.py",
        "tests/faults/test_connection_failures.py",
        "tests/unit/test_slack_client.py",
        "tests/unit/test_slack_codes.py",
    ),
}
AREAS: Mapping[str, Mapping[str, Tests]] = {
    "sealing": SEALING,
    "keys": KEY_CHANGES,
    "authorization": AUTHORIZATION,
    "delivery": DELIVERY,
    "redaction": REDACTION,
    "egress": EGRESS,
}
