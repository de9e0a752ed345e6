"""Reads the addresses of secrets, keys and names of hosts. No I/O happens here.

What stands around an address in a pasted text is taken off before, by bot/interaction/addresses.py.

A pasted host is only compared with the hosts that the operator allowed: the bot contacts the allowed host's own base
URL, never the pasted one. Links are those of the site's pages: `/secret/KEY` for the recipient, and for the sender
`/private/KEY` (older), `/receipt/KEY` (newer) or `/metadata/KEY`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from bot.errors import CannotStart, HostNotAllowed, NotUnderstood
from bot.screen.pieces import Code, HostName, Listing, Phrase, say
from bot.secret import MetadataKey, Secret, SecretKey

KEY = re.compile(r"[A-Za-z0-9_-]{20,128}")  # 31 characters up to 0.23, 62 since; upper and lower case differ
DEFAULT_HOST = "https://eu.onetimesecret.com"
REGIONS = ("ca", "eu", "nz", "uk", "us")
HOME = "onetimesecret.com"

ALIKE = 0.85  # of 1.0: from here on a name is taken for a look-alike

_LIKE_LETTERS = str.maketrans("01358", "oiess")
_PORTS = {"https": 443, "http": 80}
_SECRET_PAGES = frozenset({"secret"})
_METADATA_PAGES = frozenset({"private", "receipt", "metadata"})
_NOT_KEYS = frozenset({"recent", "burn"})  # names of calls that have the place of a key in a URL

_URL = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?P<where>[^/?#]*)(?P<path>/[^?#]*)?(?:[?#].*)?", re.DOTALL
)
_WHERE = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # what a resolver may read as a part of an IP address
_SEGMENT = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*")


@dataclass(frozen=True, slots=True)
class Host:
    """An Onetime Secret server that the operator allowed. Each region is a server with accounts of its own."""

    url: str  #: canonical base, "https://eu.onetimesecret.com"; port and path prefix only if the operator gave them

    @property
    def name(self) -> str:
        """The name to show: "eu.onetimesecret.com", with port and path prefix if the base URL has them."""
        return self.url.split("://", 1)[1]

    @property
    def region(self) -> str | None:
        """The region of Onetime Secret itself that this host is; None for all others."""
        return next((one for one in REGIONS if self.url == f"https://{one}.{HOME}"), None)

    @property
    def is_official(self) -> bool:
        """Whether the host is one of Onetime Secret itself, which runs the newest version."""
        return self.region is not None or self.url == f"https://{HOME}"

    def secret_link(self, key: SecretKey) -> Secret:
        """The link that opens the secret, once. Built here because no v1 answer has it."""
        return Secret(f"{self.url}/secret/{key.reveal()}")


@dataclass(frozen=True, slots=True)
class SecretLink:
    """A `/secret/KEY` link, for the recipient."""

    host: Host
    key: SecretKey


@dataclass(frozen=True, slots=True)
class MetadataLink:
    """A `/private/KEY`, `/receipt/KEY` or `/metadata/KEY` link: for the sender."""

    host: Host
    key: MetadataKey


@dataclass(frozen=True, slots=True)
class BareKey:
    """A key without its link. Only the command with the key says which kind of key it is."""

    key: Secret

    def as_secret(self) -> SecretKey:
        return SecretKey(self.key.reveal())

    def as_metadata(self) -> MetadataKey:
        return MetadataKey(self.key.reveal())


@dataclass(frozen=True, slots=True)
class _Url:
    """The parts of a pasted URL. `scheme` and `port` are None if they were not written. The path may hold a key."""

    scheme: str | None
    name: str
    port: int | None
    path: str = field(repr=False)


class Hosts:
    """The hosts that may be contacted: the five regions, onetimesecret.com and the operator's own.

    Raises `CannotStart` for an operator's entry that is not a plain base URL, or a default that is not allowed.
    """

    def __init__(self, extra: Iterable[str] = (), default: str = DEFAULT_HOST) -> None:
        builtin = [Host(f"https://{region}.{HOME}") for region in REGIONS]
        own = [_parse_operator_host(entry, "ONETIME_HOSTS") for entry in extra if entry.strip()]
        everything = [*builtin, Host(f"https://{HOME}"), *own]
        self.all: tuple[Host, ...] = tuple(dict.fromkeys(everything))
        self._parts = {host: _parse_base(host.url) for host in self.all}
        self.own: tuple[Host, ...] = tuple(own)  # those of the operator
        self.default: Host = self._allowed_default(default)

    def _allowed_default(self, default: str) -> Host:
        host = _parse_operator_host(default, "ONETIME_DEFAULT_HOST")
        if host not in self._parts:
            raise CannotStart(f"ONETIME_DEFAULT_HOST {host.url} is not allowed: add it to ONETIME_HOSTS.")
        return host

    def of(self, url: str) -> Host:
        """The host with exactly this base URL, for URLs from the database. Raises `HostNotAllowed`."""
        host = Host(url)
        if host not in self._parts:
            raise HostNotAllowed("a stored host is not allowed any more", tell=self._not_allowed(None))
        return host

    def named(self, text: str) -> Host:
        """The host for a region ("eu"), a host name or a URL that a person wrote. Raises `HostNotAllowed`."""
        if text.lower() in REGIONS:
            return Host(f"https://{text.lower()}.{HOME}")
        url = _parse_url(text)
        if url is None:
            raise HostNotAllowed("not a host", tell=self._not_allowed(None))
        if not url.path.strip("/"):  # a URL without a path means the host of that name, whatever prefix it has
            for host, own in self._parts.items():
                if _is_same_host(url, own):
                    return host
        return self.match(url)[0]

    def find_lookalike(self, name: str) -> Host | None:
        """The allowed host that a host of this other name looks like, or that it pretends to be; None for none."""
        siblings = (HOME, *(_domain_above(self._parts[host].name) for host in self.own))
        if any(domain and name.endswith(f".{domain}") for domain in siblings):  # another host of the same owner
            return None
        closest = max(self.all, key=lambda host: _likeness(self._parts[host].name, name))
        has_its_word = _squash(HOME.partition(".")[0]) in _squash(name)
        is_alike = has_its_word or _likeness(self._parts[closest].name, name) >= ALIKE
        return closest if is_alike else None

    def _find_match(self, url: _Url) -> tuple[Host, str] | None:
        """The allowed host of that URL and the path below its base; the longest base wins. None if no host matches."""
        fits = [
            (len(own.path), own.scheme == url.scheme, host)
            for host, own in self._parts.items()
            if _is_same_host(url, own) and f"{url.path}/".startswith(f"{own.path}/")
        ]
        if not fits:
            return None
        prefix, _, host = max(fits, key=lambda fit: fit[:2])
        return host, url.path[prefix:]

    def match(self, url: _Url) -> tuple[Host, str]:
        """The allowed host of that URL and the path below its base. Raises `HostNotAllowed`."""
        match = self._find_match(url)
        if match is None:
            port = "" if url.port is None else f":{url.port}"
            shown = f"{url.name}{port}" if _is_harmless(url.name) else None
            raise HostNotAllowed("not an allowed host", tell=self._not_allowed(shown))
        return match

    def _not_allowed(self, name: str | None) -> Phrase:
        """What is said of a name, or of one that is not repeated."""
        allowed = Listing(tuple(Code(HostName(host.name)) for host in self.all))
        if name is None:
            return say("That is not one of the Onetime Secret servers used here. They are: {servers}.", servers=allowed)
        return say(
            "{name} is not one of the Onetime Secret servers used here. They are: {servers}.",
            name=Code(HostName(name)),
            servers=allowed,
        )


def read_address(address: str, hosts: Hosts) -> SecretLink | MetadataLink:
    """The link at this address. Raises `NotUnderstood`, or `HostNotAllowed`. Neither error repeats the key."""
    url = _parse_url(address)
    if url is None or (url.scheme is None and "." not in url.name and ":" not in url.name and url.name != "localhost"):
        raise NotUnderstood(
            "no link",
            tell=say("That is not a link or a key of Onetime Secret. Paste the whole link, from `https://` on."),
        )
    host, path = hosts.match(url)
    return _read_path(host, path)


def read_posted(link: Secret, hosts: Hosts) -> SecretLink | MetadataLink | None:
    """The link that somebody posted, as Slack wrote it; None if it is none of an allowed host."""
    try:
        return read_address(link.reveal(), hosts)
    except NotUnderstood:
        return None


def read_word(word: str, hosts: Hosts) -> SecretLink | MetadataLink | BareKey:
    """The link or key that this word is. Raises `NotUnderstood`, or `HostNotAllowed` for a link to any other host."""
    if re.fullmatch(r"[A-Za-z0-9_-]+/?", word):
        return BareKey(Secret(_read_key(word.rstrip("/"))))
    return read_address(word, hosts)


def read_base(url: str) -> str | None:
    """The base of a URL that a server named, such as “https://secrets.example.com:8443”, which is safe to show.

    None unless the URL is absolute and its host name is too plain to hide a key. Its path, which may hold a key, and
    the rest of it are left out.
    """
    found = _parse_url(url)
    if found is None or found.scheme not in _PORTS or not _is_harmless(found.name):
        return None
    port = "" if found.port in (None, _PORTS[found.scheme]) else f":{found.port}"
    return f"{found.scheme}://{found.name}{port}"


def _read_path(host: Host, path: str) -> SecretLink | MetadataLink:
    match path.rstrip("/").split("/"):
        case ["", kind, key] if kind in _SECRET_PAGES:
            return SecretLink(host, SecretKey(_read_key(key)))
        case ["", kind, key] if kind in _METADATA_PAGES:
            return MetadataLink(host, MetadataKey(_read_key(key)))
        case ["", kind, _, "burn"] if kind in _METADATA_PAGES:
            tell = say("That is the page that burns a secret. Paste its link without `/burn` at the end.")
        case [""]:
            tell = say(
                "That is only the address of {server}. Paste the whole link of a secret, with its key.",
                server=Code(HostName(host.name)),
            )
        case _:
            tell = say(
                "That link of {server} is not the link of a secret. Those have `/secret/`, `/private/` or `/receipt/` "
                "and a key in them.",
                server=Code(HostName(host.name)),
            )
    raise NotUnderstood("another page of the host", tell=tell)


def _read_key(text: str) -> str:
    """The text, if it has the shape of a key. Raises `NotUnderstood`, which does not repeat the text."""
    if KEY.fullmatch(text):
        return text
    if text in _NOT_KEYS or not text:
        tell = say("There is no key in that link. Paste the whole link of one secret.")
    elif not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        tell = say("That key has characters in it that no key has. Copy the link again.")
    elif len(text) < 20:  # noqa: PLR2004 - as in KEY
        tell = say("That link or key is too short: part of it is missing. Copy all of it again.")
    else:
        tell = say("That key is too long to be one. Copy just the link or key again.")
    raise NotUnderstood("not a key", tell=tell)


def _parse_url(text: str) -> _Url | None:
    """The parts of a web address; None if it is not one. Strict: an address that a browser would repair is refused."""
    match = _URL.fullmatch(text)
    where = _WHERE.fullmatch(match["where"]) if match else None
    if match is None or not match["where"]:
        return None
    if where is None:  # user@host, a backslash, other alphabets: not an allowed host
        return _Url("", "", None, "")
    scheme = match["scheme"].lower() if match["scheme"] else None
    port = int(where["port"]) if where["port"] else None
    return _Url(scheme, where["name"].lower(), port, match["path"] or "")


def _is_same_host(pasted: _Url, own: _Url) -> bool:
    """Whether the pasted address is on that host.

    Slack writes `http://` before an address that was typed without a scheme, so http counts as the host's own scheme
    if no port was written. That is safe: the bot contacts the host's own base URL.
    """
    schemes = {None, own.scheme, "http"} if pasted.port is None else {None, own.scheme}
    port = _PORTS[own.scheme or "https"] if pasted.port is None else pasted.port
    return pasted.scheme in schemes and _is_same_name(pasted.name, own.name) and port == own.port


def _squash(name: str) -> str:
    """The name without what the eye passes over: hyphens, dots, and digits that look like letters."""
    return re.sub(r"[-._]", "", name.lower()).translate(_LIKE_LETTERS)


def _likeness(own: str, other: str) -> float:
    """How alike two names look, from 0.0 to 1.0; 1.0 also for a name that has all labels of the other one in it."""
    if f".{_labels(own)}." in f".{_labels(other)}.":
        return 1.0
    return SequenceMatcher(None, _squash(own), _squash(other)).ratio()


def _labels(name: str) -> str:
    """The name with a dot wherever it has a hyphen, and letters in the place of digits that look like them."""
    return re.sub(r"[-_]", ".", name.lower()).translate(_LIKE_LETTERS)


def _domain_above(name: str) -> str | None:
    """example.com for ots.example.com; None for example.com, and for an address of digits."""
    above = name.partition(".")[2]
    return above if "." in above and not _NUMBER.fullmatch(name.rpartition(".")[2]) else None


def _is_same_name(pasted: str, own: str) -> bool:
    """`www.` in front of a name makes no difference, as on most sites. Before an address of digits it is no name."""
    is_name = not own.startswith("[") and not _NUMBER.fullmatch(own.rpartition(".")[2])
    return pasted == own or (is_name and pasted == f"www.{own}")


def _parse_base(url: str) -> _Url:
    """The parts of a canonical base URL. `port` is never None."""
    found = _parse_url(url)
    assert found is not None
    return _Url(found.scheme, found.name, found.port or _PORTS[found.scheme or "https"], found.path)


def _is_harmless(name: str) -> bool:
    """Whether a refused host name may be shown: its labels are too short to hold a key."""
    labels = name.split(".")
    return len(name) <= 60 and len(labels) > 1 and all(re.fullmatch(r"[a-z0-9-]{1,15}", label) for label in labels)  # noqa: PLR2004


def _parse_operator_host(entry: str, setting: str) -> Host:
    """The host that the operator wrote into a setting. Raises `CannotStart`, which names the setting and the fix."""
    text = entry.strip()
    match = _URL.fullmatch(text)
    if match is None or match["scheme"] is None or match["scheme"].lower() not in _PORTS:
        raise _malformed_error(setting, text, "it needs https:// (or http://) before the host")
    if "?" in text or "#" in text or "@" in text:
        raise _malformed_error(setting, text, "a user, a query or a fragment does not belong in it")
    scheme = match["scheme"].lower()
    name, _, port = (
        match["where"].rpartition(":") if re.search(r":[0-9]*$", match["where"]) else (match["where"], "", "")
    )
    host = _normalize_host_name(name)
    path = (match["path"] or "").rstrip("/")
    if host is None or not (port == "" or (port.isascii() and port.isdigit() and 0 < int(port) <= 65535)):  # noqa: PLR2004
        raise _malformed_error(setting, text, "the host name or the port is not one")
    if path and not all(_SEGMENT.fullmatch(segment) for segment in path[1:].split("/")):
        raise _malformed_error(setting, text, "the path has something in it that a base URL has not")
    at = "" if not port or int(port) == _PORTS[scheme] else f":{int(port)}"
    return Host(f"{scheme}://{host}{at}{path}")


def _malformed_error(setting: str, text: str, why: str) -> CannotStart:
    shown = text if re.fullmatch(r"[\x21-\x7e]{1,80}", text) and "@" not in text else "an entry"
    return CannotStart(f"{setting}: {shown} is not a base URL: {why}. Write it like https://secrets.example.com.")


def _normalize_host_name(text: str) -> str | None:
    """The name in ASCII and lower case; None if it is not a host name or an IP address in its usual form."""
    try:
        if text.startswith("[") and "%" not in text:  # a zone has a meaning on one machine only
            return f"[{IPv6Address(text.removeprefix('[').removesuffix(']')).compressed}]"
        name = text.encode("idna").decode("ascii").lower()
        if _NUMBER.fullmatch(name.rpartition(".")[2]):
            return str(IPv4Address(name))
    except (UnicodeError, AddressValueError):
        return None
    return name if all(_LABEL.fullmatch(label) for label in name.split(".")) else None
