"""Reads `POLICY_FILE`: the deployment's rules, as TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from pathlib import Path

from bot.errors import CannotStart
from bot.policy.rules import Policy, RuleError


def read_file(file: Path | None) -> Policy:
    """The deployment's rules; none without a file. Raises `CannotStart` with the line or the rule, and the fix."""
    if file is None:
        return Policy()
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise CannotStart(
            f"POLICY_FILE {file} cannot be read ({error.strerror}). Make it readable for the bot's user."
        ) from None
    except UnicodeDecodeError:
        raise CannotStart(f"POLICY_FILE {file} is not UTF-8: save it as UTF-8.") from None
    try:
        return Policy.of(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CannotStart(f"POLICY_FILE {file} is not TOML: {error}. Correct it there.") from None
    except RuleError as error:
        where = f", line {line}" if (line := _line_of(text, error.rule)) else ""
        raise CannotStart(f"POLICY_FILE {file}{where}: {error.rule} is not usable: {error.fix}.") from None


def _line_of(text: str, rule: str) -> int | None:
    pattern = re.compile(rf"\s*\[*\s*[\"']?{re.escape(rule)}\b")
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)), None)


def check_hosts(policy: Policy, known: Collection[str]) -> Policy:
    """The same policy. Raises `CannotStart` for a server that is none of the `known` base URLs, or a wrong default."""
    for rule, named in (("hosts", policy.hosts or ()), ("default_host", (policy.default_host,))):
        for one in named:
            if one is not None and one not in known:
                raise CannotStart(
                    f"POLICY_FILE: {rule} names {one}, which is not one of the hosts used here. "
                    "Write its base URL, add it to ONETIME_HOSTS, or leave it out."
                )
    if policy.hosts is not None and policy.default_host is not None and policy.default_host not in policy.hosts:
        raise CannotStart("POLICY_FILE: default_host is not among hosts: add it there, or choose another.")
    return policy
