"""Environment -> one frozen, checked value. Read once, at the start.

Nothing here connects anywhere. A setting that is missing or malformed stops the start with one line that
names it and the fix, never its value.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict

from bot.errors import CannotStart
from bot.secret import Secret

# Bytes of the largest secret that can be shared: 34 fields of a window, which may have 100 blocks. Escaped as a
# payload of Slack's it is up to eight times as long, and a request has 1 MiB at most (bot/slack/http.py).
MAX_SECRET_BYTES = 100_000
DEFAULT_SECRET_BYTES = 10_000  # bytes that servers since 0.24 take, unless their operator says otherwise


class SecretSizes(NamedTuple):
    """How large a secret may be that is shared: `usual`, and what was said of single hosts, as it was written."""

    default: int = DEFAULT_SECRET_BYTES
    by_host: tuple[tuple[str, int], ...] = ()


def _hide(value: object) -> Secret | None:
    if value is None or isinstance(value, Secret):
        return value
    text = str(value).strip()
    return Secret(text) if text else None


def _split_words(value: object) -> Any:
    return tuple(w for w in value.replace(",", " ").split() if w) if isinstance(value, str) else value


def _parse_sizes(value: object) -> object:
    """`10000, https://ots.example.com=50000`: the number without a host is for all the others."""
    if not isinstance(value, str):
        return value
    found = [re.fullmatch(r"(?:(?P<host>.+)=)?(?P<most>[0-9]{1,9})", word, re.ASCII) for word in _split_words(value)]
    sizes = [(one["host"], int(one["most"])) for one in found if one]
    usual = [most for host, most in sizes if host is None]
    if None in found or len(usual) > 1 or not all(1 <= most <= MAX_SECRET_BYTES for _, most in sizes):
        raise ValueError("not sizes")
    of = tuple((host, most) for host, most in sizes if host is not None)
    return SecretSizes(usual[0] if usual else DEFAULT_SECRET_BYTES, of)


HiddenSetting = Annotated[Secret | None, BeforeValidator(_hide)]
WordsSetting = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_words)]
LowerCase = BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value)

# setting -> what a right value looks like; shown when it is wrong
_WANTED = {
    "port": "a port number from 0 to 65535",
    "onetime_max_secret_bytes": (
        f"numbers of bytes from 1 to {MAX_SECRET_BYTES}, one for all hosts and others for single ones, such as "
        "10000, https://ots.example.com=50000"
    ),
    "watch_every": "a number of seconds, 5 or more",
    "log_level": "debug, info, warning or error",
    "log_format": "json or text",
    "reveal_escrow": "on or off",
    "shares_per_hour": "a whole number, 1 or more",
    "opens_per_hour": "a whole number, 1 or more",
    "slack_api_url": "a URL that starts with http:// or https:// and ends with /",
}


class Settings(BaseSettings):
    """All settings. Names in the environment are these in capitals; docs/operations.md has the table."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", arbitrary_types_allowed=True, hide_input_in_errors=True, env_ignore_empty=True
    )

    slack_signing_secret: HiddenSetting = None
    slack_bot_token: HiddenSetting = None
    slack_app_token: HiddenSetting = None
    slack_api_url: str = Field(default="https://slack.com/api/", pattern=r"^https?://[^\s?#]+/$")
    database_url: Annotated[Secret, BeforeValidator(_hide)] = Secret("sqlite:///ots-bot.db")
    encryption_keys_file: Path | None = None
    encryption_keys: HiddenSetting = None
    allow_shared_key_file: bool = False
    onetime_hosts: WordsSetting = ()
    onetime_default_host: str = "https://eu.onetimesecret.com"
    onetime_max_secret_bytes: Annotated[SecretSizes, NoDecode, BeforeValidator(_parse_sizes)] = SecretSizes()
    watch_every: float = Field(default=20, ge=5)  # seconds
    reveal_escrow: Annotated[Literal["on", "off"], LowerCase] = "on"
    shares_per_hour: int = Field(default=30, ge=1)  # for each person
    opens_per_hour: int = Field(default=30, ge=1)  # for each person
    port: int = Field(default=3000, ge=0, le=65535)
    host: str = "127.0.0.1"
    log_level: Annotated[Literal["debug", "info", "warning", "error"], LowerCase] = "info"
    log_format: Annotated[Literal["json", "text"] | None, LowerCase] = None

    @property
    def log_style(self) -> Literal["json", "text"]:
        """Text for a person at a terminal, JSON otherwise, unless LOG_FORMAT says."""
        return self.log_format or ("text" if sys.stderr.isatty() else "json")

    def require_slack(self) -> None:
        """Raise `CannotStart` unless Slack can be reached and its requests can be trusted."""
        if self.slack_bot_token is None:
            raise CannotStart(
                "SLACK_BOT_TOKEN is missing: set it to the bot token (xoxb-…) from “OAuth & Permissions”."
            )
        if self.slack_app_token is not None:
            return
        if self.slack_signing_secret is None:
            raise CannotStart(
                "SLACK_SIGNING_SECRET is missing: without it nobody could tell Slack's requests from forged ones. "
                "Set it from “Basic Information”, or set SLACK_APP_TOKEN to use Socket Mode."
            )
        if len(self.slack_signing_secret) < 16:  # noqa: PLR2004 - Slack's have 32; this catches “changeme” and the like
            raise CannotStart("SLACK_SIGNING_SECRET is too short to be real: copy all of it from “Basic Information”.")


def read_settings(env_file: Path | None = None) -> Settings:
    """The settings from the environment, then from `env_file` where the environment is silent.

    Raises `CannotStart` with the setting's name and what it should be; for a setting's old name, with the new one.
    """
    if env_file is not None and not env_file.is_file():
        raise CannotStart(f"--env-file {env_file}: no such file.")
    for old in sorted(_names_set(env_file) & RENAMED.keys()):
        raise CannotStart(f"{old} is now called {RENAMED[old]}: rename it. Its values stay as they are.")
    try:
        return Settings(_env_file=env_file)  # type: ignore[call-arg]
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        wanted = _WANTED.get(name, "another value")
        raise CannotStart(f"{name.upper()} is not usable: it should be {wanted}.") from None


RENAMED = {"ONETIME_MOST_BYTES": "ONETIME_MAX_SECRET_BYTES"}  # old name -> new name


def _names_set(env_file: Path | None) -> set[str]:
    """The names of all variables that are set, in capitals."""
    names = {name.upper() for name in os.environ}
    if env_file is not None:
        names |= {name.upper() for name in DotEnvSettingsSource(Settings, env_file=env_file).env_vars}
    return names


# In the contract for operators of many workspaces; this version serves one.
NOT_SUPPORTED_YET = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")


def find_lookalikes(env_file: Path | None = None) -> list[str]:
    """One sentence for each variable that is named like a setting and is none: most often a typo."""
    known = {name.upper() for name in Settings.model_fields}
    said = []
    for name in sorted(_names_set(env_file)):
        if name in NOT_SUPPORTED_YET:
            said.append(f"{name} is not used: this version serves one workspace, by SLACK_BOT_TOKEN.")
        elif name.startswith(("ONETIME_", "SLACK_")) and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            said.append(f"{name} is not a setting." + (f" Did you mean {close[0]}?" if close else ""))
    return said
