"""Settings: those that are missing or malformed, names that are none, and a file that others can read."""

from __future__ import annotations

from pathlib import Path

from bot.doctor.finding import Finding, failed_by, ok, warning
from bot.settings import SECRETS, CheckedSettings, Settings, find_lookalikes, values_set

NAME = "settings"


def check_settings_given(checked: CheckedSettings, env_file: Path | None) -> list[Finding]:
    """All mistakes, not only the first one, at which the bot stops."""
    readable = None if any(not one.name for one in checked.mistakes) else env_file
    failures = [failed_by(NAME, one.sentence) for one in checked.mistakes]
    warnings = [_judge_lookalike(sentence) for sentence in find_lookalikes(readable)]
    warnings += _find_unused(checked.settings) + (_find_readable(readable) if readable else [])
    return failures + warnings or [ok(NAME, _count(readable))]


def _judge_lookalike(sentence: str) -> Finding:
    cause, _, question = sentence.partition(" Did you mean ")
    remedy = f"Rename it to {question.removesuffix('?')}, or take it out." if question else "Take it out."
    return warning(NAME, cause.removesuffix("."), remedy)


def _count(env_file: Path | None) -> str:
    known = {name.upper() for name in Settings.model_fields}
    count = len([name for name, value in values_set(env_file).items() if name in known and value])
    where = f"{env_file} and the environment" if env_file else "the environment"
    return f"{count} set in {where}, the others have their defaults"


def _find_unused(settings: Settings) -> list[Finding]:
    if settings.encryption_keys_file is None or settings.encryption_keys is None:
        return []
    return [warning(NAME, "ENCRYPTION_KEYS is not used: ENCRYPTION_KEYS_FILE is set too", "Take one of them out.")]


def _find_readable(env_file: Path) -> list[Finding]:
    has_secrets = any(value for name, value in values_set(env_file).items() if name in SECRETS)
    if not has_secrets or not env_file.stat().st_mode & 0o077:
        return []
    return [warning(NAME, f"{env_file} has secrets and can be read by others", f"Run `chmod 600 {env_file}`.")]
