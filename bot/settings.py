"""Reads all settings from the environment, once at the start, into one frozen and checked object.

No network is used. A setting that is missing or malformed stops the start with one line that
names it and the fix, never its value.
"""

from __future__ import annotations

import difflib
import io
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from dotenv.parser import parse_stream
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict
from yarl import URL

from bot.errors import CannotStart
from bot.message_ref import INSTALL_ID
from bot.secret import Secret

# Bytes of the largest secret that can be shared: it fills 34 fields of a window that may have 100 blocks. Escaped in
# a request from Slack it is up to eight times as long, and a request has 1 MiB at most (bot/slack/http.py).
MAX_SECRET_BYTES = 100_000
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
DEFAULT_SHARE_LIVES = (
    300, 3_600, 4 * 3_600, *(days * 86_400 for days in (1, 3, 7, 14, 30, 90, 180, 365))
)  # fmt: skip
MAX_LIFE = 3_650 * 86_400  # seconds
MAX_LIVES = 50  # a menu of Slack has room for 100
DEFAULT_SECRET_BYTES = 10_000  # bytes that servers since 0.24 take, unless their operator says otherwise

RENAMED = {"ONETIME_MOST_BYTES": "ONETIME_MAX_SECRET_BYTES"}  # old name -> new name; an old name stops the start
MANY_LINES = frozenset({"ENCRYPTION_KEYS", "ONETIME_HOSTS", "ONETIME_MAX_SECRET_BYTES"})  # lists, on lines of their own
ENCODING = "utf-8-sig"  # of --env-file: editors on Windows write a byte order mark before UTF-8
SECRETS = frozenset({  # the settings that have secrets in them
    "SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_CLIENT_SECRET", "DATABASE_URL",
    "ENCRYPTION_KEYS", "ENCRYPTION_KEYS_COMMAND", "HTTPS_PROXY",
})  # fmt: skip
OTHER_PROXIES = ("HTTP_PROXY", "ALL_PROXY")  # what other programs read


QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "‘": "’", "«": "»"}  # opening -> closing
_ANY_QUOTE = frozenset(QUOTES) | frozenset(QUOTES.values())
_HALF_QUOTED = "half quoted"


class SecretSizes(NamedTuple):
    """Bytes of the largest secret that may be shared: for all hosts, and for single ones as the operator wrote them."""

    default: int = DEFAULT_SECRET_BYTES
    by_host: tuple[tuple[str, int], ...] = ()


def _unquote(value: object) -> object:
    """The value without quotation marks around it, which some tools hand on. Raises `ValueError` for half a pair."""
    if not isinstance(value, str):
        return value
    value = value.strip()
    if len(value) > 1 and QUOTES.get(value[0]) == value[-1]:
        value = value[1:-1].strip()
    if value and not _ANY_QUOTE.isdisjoint((value[0], value[-1])):
        raise ValueError(_HALF_QUOTED)
    return value


def _hide(value: object) -> Secret | None:
    if value is None or isinstance(value, Secret):
        return value
    text = str(value).strip()
    return Secret(text) if text else None


def _split_words(value: object) -> Any:
    return tuple(w for w in value.replace(",", " ").split() if w) if isinstance(value, str) else value


def _parse_sizes(value: object) -> object:
    """Reads `10000, https://ots.example.com=50000`: the number without a host is for all other hosts."""
    if not isinstance(value, str):
        return value
    found = [re.fullmatch(r"(?:(?P<host>.+)=)?(?P<size>[0-9]{1,9})", word) for word in _split_words(value)]
    sizes = [(one["host"], int(one["size"])) for one in found if one]
    default = [size for host, size in sizes if host is None]
    if None in found or len(default) > 1 or not all(1 <= size <= MAX_SECRET_BYTES for _, size in sizes):
        raise ValueError("not sizes")
    by_host = tuple((host, size) for host, size in sizes if host is not None)
    return SecretSizes(default[0] if default else DEFAULT_SECRET_BYTES, by_host)


def _parse_lives(value: object) -> object:
    """Reads `1h, 7d, 365d` as seconds, each once, the shortest first."""
    if not isinstance(value, str):
        return value
    found = [re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", word) for word in _split_words(value.lower())]
    lives = {int(one[1]) * _SECONDS[one[2]] for one in found if one}
    if None in found or not 1 <= len(lives) <= MAX_LIVES or not all(life <= MAX_LIFE for life in lives):
        raise ValueError("not lives")
    return tuple(sorted(lives))


def _check_url(url: str) -> str:
    """Raises `ValueError` for an address that no call could be sent to."""
    if not URL(url).host:
        raise ValueError("no host")
    return url


HiddenSetting = Annotated[Secret | None, BeforeValidator(_hide)]
WordsSetting = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_words)]
LowerCase = BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value)

# setting -> what a valid value looks like, shown with a value that is not
_VALID_VALUES = {
    "port": "a port number from 0 to 65535",
    "admin_port": "a port number from 0 (off) to 65535",
    "proxy_private_hosts": "on or off",
    "onetime_max_secret_bytes": (
        f"numbers of bytes from 1 to {MAX_SECRET_BYTES}, one for all hosts and others for single ones, such as "
        "10000, https://ots.example.com=50000"
    ),
    "share_lives": (
        f"up to {MAX_LIVES} lives of minutes, hours or days, such as 5m, 1h, 7d, of {MAX_LIFE // 86_400} days at most"
    ),
    "watch_every": "a number of seconds, 5 or more, a year at most",
    "log_level": "debug, info, warning or error",
    "log_format": "json or text",
    "reveal_escrow": "on or off",
    "unfurl_links": "on or off",
    "shares_per_hour": "a whole number, 1 or more, a million at most",
    "audit_retention_days": "a whole number of days from 0 (nothing is noted) to 36500",
    "opens_per_hour": "a whole number, 1 or more, a million at most",
    "slack_client_id": "the client id of the app, such as 1234567890.1234567890",
    "install_allowed": "ids of workspaces (T…) and organisations (E…), with commas between them",
    "slack_api_url": "a URL that starts with http:// or https:// and ends with /",
}


class Settings(BaseSettings):
    """All settings. The environment variables have these names in capitals; docs/operations.md has the table."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", arbitrary_types_allowed=True, hide_input_in_errors=True, env_ignore_empty=True,
        str_strip_whitespace=True, env_file_encoding=ENCODING,
    )  # fmt: skip

    slack_signing_secret: HiddenSetting = None
    slack_bot_token: HiddenSetting = None
    slack_app_token: HiddenSetting = None
    slack_client_id: Annotated[str | None, Field(pattern=r"^[0-9A-Za-z.]{1,64}$")] = None
    slack_client_secret: HiddenSetting = None
    install_allowed: Annotated[
        tuple[Annotated[str, Field(pattern=f"^{INSTALL_ID}$")], ...], NoDecode, BeforeValidator(_split_words)
    ] = ()
    slack_api_url: Annotated[str, AfterValidator(_check_url)] = Field(
        default="https://slack.com/api/", pattern=r"^https?://[^\s?#]+/$"
    )
    database_url: Annotated[Secret, BeforeValidator(_hide)] = Secret("sqlite:///ots-bot.db")
    encryption_keys_file: Path | None = None
    encryption_keys: HiddenSetting = None
    encryption_keys_command: HiddenSetting = None
    credentials_directory: Path | None = None  # of systemd
    allow_shared_key_file: bool = False
    onetime_hosts: WordsSetting = ()
    onetime_default_host: str = "https://eu.onetimesecret.com"
    onetime_max_secret_bytes: Annotated[SecretSizes, NoDecode, BeforeValidator(_parse_sizes)] = SecretSizes()
    share_lives: Annotated[tuple[int, ...], NoDecode, BeforeValidator(_parse_lives)] = DEFAULT_SHARE_LIVES  # seconds
    watch_every: float = Field(default=20, ge=5, le=31_536_000)  # seconds
    reveal_escrow: Annotated[Literal["on", "off"], LowerCase] = "on"
    unfurl_links: Annotated[Literal["on", "off"], LowerCase] = "off"
    shares_per_hour: int = Field(default=30, ge=1, le=1_000_000)  # for each person
    opens_per_hour: int = Field(default=30, ge=1, le=1_000_000)  # for each person
    audit_retention_days: int = Field(default=365, ge=0, le=36_500)  # 0: nothing is noted
    policy_file: Path | None = None
    port: int = Field(default=3000, ge=0, le=65535)
    host: str = "127.0.0.1"
    admin_port: int = Field(default=0, ge=0, le=65535)  # 0: off
    admin_host: str = "127.0.0.1"
    https_proxy: HiddenSetting = None
    no_proxy: WordsSetting = ()
    proxy_private_hosts: Annotated[Literal["on", "off"], LowerCase] = "off"
    log_level: Annotated[Literal["debug", "info", "warning", "error"], LowerCase] = "info"
    log_format: Annotated[Literal["json", "text"] | None, LowerCase] = None

    @field_validator("*", mode="before")
    @classmethod
    def _without_quotes(cls, value: object, field: ValidationInfo) -> object:
        return value if field.field_name == "encryption_keys_command" else _unquote(value)  # a command has its own

    @property
    def log_style(self) -> Literal["json", "text"]:
        """LOG_FORMAT; without it, text on a terminal and JSON otherwise."""
        return self.log_format or ("text" if sys.stderr.isatty() else "json")

    @property
    def serves_many(self) -> bool:
        """Whether workspaces install the app by OAuth. Otherwise the bot token says which one has it."""
        return self.slack_client_id is not None

    def _find_missing_installation(self) -> str | None:
        """What keeps the settings from saying where the app is installed: in one workspace, or in many."""
        if self.slack_client_id is None and self.slack_client_secret is not None:
            return "SLACK_CLIENT_ID is missing: set it from “Basic Information”, as SLACK_CLIENT_SECRET."
        if self.slack_client_id is not None and self.slack_client_secret is None:
            return "SLACK_CLIENT_SECRET is missing: set it from “Basic Information”, as SLACK_CLIENT_ID."
        if self.serves_many and self.slack_bot_token is not None:
            return (
                "SLACK_BOT_TOKEN is for one workspace, SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are for many: "
                "leave out one or the other."
            )
        if not self.serves_many and self.slack_bot_token is None:
            return (
                "SLACK_BOT_TOKEN is missing: set it to the bot token (xoxb-…) from “OAuth & Permissions”, or "
                "set SLACK_CLIENT_ID and SLACK_CLIENT_SECRET for many workspaces."
            )
        return None

    def require_slack(self) -> None:
        """Raise `CannotStart` if something is missing that is needed to call Slack or to check requests from Slack."""
        for sentence in self.find_missing_for_slack():
            raise CannotStart(sentence)

    def find_missing_for_slack(self) -> list[str]:
        """One sentence for each setting that is missing, too short to be real, or one too many."""
        missing = self._find_missing_installation()
        sentences = [] if missing is None else [missing]
        if self.slack_app_token is not None:
            return sentences
        if self.slack_signing_secret is None:
            sentences.append(
                "SLACK_SIGNING_SECRET is missing: without it nobody could tell Slack's requests from forged ones. "
                "Set it from “Basic Information”, or set SLACK_APP_TOKEN to use Socket Mode."
            )
        elif len(self.slack_signing_secret) < 16:  # noqa: PLR2004 - Slack's secrets have 32 characters; this catches “changeme”
            sentences.append("SLACK_SIGNING_SECRET is too short to be real: copy all of it from “Basic Information”.")
        return sentences


class SettingMistake(NamedTuple):
    """What is wrong with one setting, and the fix. `name` is empty for a file that cannot be read."""

    name: str
    sentence: str


class CheckedSettings(NamedTuple):
    """Settings with everything that is wrong with them. A setting with a mistake has its default."""

    settings: Settings
    mistakes: tuple[SettingMistake, ...]

    def require(self) -> Settings:
        """The settings. Raises `CannotStart` with the first mistake."""
        if self.mistakes:
            raise CannotStart(self.mistakes[0].sentence)
        return self.settings


def read_settings(env_file: Path | None = None, **given: object) -> Settings:
    """The settings: those `given`, then the environment, then `env_file`.

    Raises `CannotStart` for a file that cannot be read, with the name of a setting that is not valid and what it should
    be, or with the new name of a setting that was renamed.
    """
    return check_settings(env_file, **given).require()


def check_settings(env_file: Path | None = None, **given: object) -> CheckedSettings:
    """The settings as `read_settings` reads them, with all mistakes in them. A file with a mistake is left out."""
    mistakes: list[SettingMistake] = []
    if env_file is not None:
        try:
            _check_env_file(env_file)
        except CannotStart as error:
            mistakes.append(SettingMistake("", str(error)))
            env_file = None
    values = values_set(env_file)
    for old in sorted(values.keys() & RENAMED.keys()):
        sentence = f"{old} is now called {RENAMED[old]}: rename it. Its values stay as they are."
        mistakes.append(SettingMistake(old, sentence))
    mistakes += _find_bad_characters(values)
    try:
        settings = Settings(_env_file=env_file, **given)  # type: ignore[arg-type, call-arg]
    except ValidationError as error:
        known = {one.name for one in mistakes}
        mistakes += [one for one in _describe(error) if one.name not in known]
    else:
        if not mistakes:
            return CheckedSettings(settings, ())
    wrong = {one.name.lower() for one in mistakes} & Settings.model_fields.keys()
    defaults = {name: Settings.model_fields[name].default for name in wrong}
    return CheckedSettings(Settings(_env_file=env_file, **given | defaults), tuple(mistakes))  # type: ignore[arg-type, call-arg]


def _describe(error: ValidationError) -> Iterator[SettingMistake]:
    for one in error.errors():
        name = str(one["loc"][0])
        wanted = _VALID_VALUES.get(name, "another value")
        if _HALF_QUOTED in one["msg"]:
            wanted = "the bare value, without a quotation mark at its start or end"
        yield SettingMistake(name.upper(), f"{name.upper()} is not usable: it should be {wanted}.")


def read_database_url(file: Path, option: str) -> Secret:
    """DATABASE_URL as this file alone has it, whatever the environment says. Raises `CannotStart`, naming `option`."""
    _check_env_file(file, option)
    values = DotEnvSettingsSource(Settings, env_file=file, env_file_encoding=ENCODING).env_vars
    found = next((value for name, value in values.items() if name.upper() == "DATABASE_URL" and value), None)
    if found is None:
        raise CannotStart(f"{option} {file}: the file has no line DATABASE_URL=postgresql://…")
    return Secret(found.strip())


def withdraw_secrets() -> None:
    """Take the secrets out of the environment, once they are read, so that no child process inherits them."""
    for name in [one for one in os.environ if one.upper() in SECRETS]:
        del os.environ[name]


def _check_env_file(file: Path, option: str = "--env-file") -> None:
    """Raises `CannotStart`, with the number of a line but none of its content."""
    try:
        if not file.exists():
            raise CannotStart(f"{option} {file}: no such file.")
        if not file.is_file():
            raise CannotStart(f"{option} {file} is not a file.")
        raw = file.read_bytes()
    except OSError as error:
        raise CannotStart(
            f"{option} {file} cannot be read ({error.strerror}). Make it readable for the bot's user."
        ) from None
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw:
        raise CannotStart(f"{option} {file} is no text in UTF-8 (it may be UTF-16): save it as UTF-8.")
    try:
        text = raw.decode(ENCODING)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise CannotStart(f"{option} {file}, line {line}, is not UTF-8: save the file as UTF-8.") from None
    for found in parse_stream(io.StringIO(text)):
        if found.error:
            statement = found.original.string  # begins with the blank lines before it
            line = found.original.line + statement[: len(statement) - len(statement.lstrip())].count("\n")
            raise CannotStart(f"{option} {file}, line {line}, is not NAME=value (or its quotes do not end).")


def _find_bad_characters(values: Mapping[str, str]) -> Iterator[SettingMistake]:
    """The settings with characters that no valid value has."""
    for name in sorted(values.keys() & {name.upper() for name in Settings.model_fields}):
        value = values[name].strip()
        allowed = "\r\n\t" if name in MANY_LINES else ""
        if any("\ud800" <= character <= "\udfff" for character in value):  # os.environ has these for other bytes
            yield SettingMistake(name, f"{name} is not UTF-8. Set it again, as UTF-8.")
        elif any(character < " " or character == "\x7f" for character in value if character not in allowed):
            sentence = f"{name} has a line break or a control character in it. Set it again, without."
            yield SettingMistake(name, sentence)


def values_set(env_file: Path | None) -> dict[str, str]:
    """The values of all variables that are set, by their names in capitals."""
    values: dict[str, str] = {}
    if env_file is not None:
        in_file = DotEnvSettingsSource(Settings, env_file=env_file, env_file_encoding=ENCODING).env_vars
        values |= {name.upper(): value or "" for name, value in in_file.items()}
    return values | {name.upper(): value for name, value in os.environ.items()}


def find_lookalikes(env_file: Path | None = None) -> list[str]:
    """One sentence for each variable that is named like a setting but is not one, most often by a typo."""
    known = {name.upper() for name in Settings.model_fields}
    sentences = []
    for name in sorted(values_set(env_file)):
        if name in OTHER_PROXIES:
            sentences.append(f"{name} is not used: HTTPS_PROXY is for every call, whatever its scheme.")
        elif name.startswith(("ONETIME_", "SLACK_")) and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            sentences.append(f"{name} is not a setting." + (f" Did you mean {close[0]}?" if close else ""))
    return sentences
