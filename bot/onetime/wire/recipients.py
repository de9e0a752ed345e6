"""The e-mail address to which a server sends a link, and what the server then says about it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.secret import Secret

MAX_ADDRESS = 254  # characters. Source: RFC 3696, erratum 1690

# A server searches its form for an address that looks like this, and mails to whatever it finds: of “ana,ben@…” or of
# “o'neil@…” only a part. So nothing is sent to a server but one address that it finds as a whole.
# Source: EMAIL_REGEX in apps/api/v1/logic/secrets/base_secret_action.rb, release 0.26.
_ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_MASK = re.compile(r"\*+")


def is_address(typed: Secret) -> bool:
    """Whether a server finds exactly one address in the text, and finds it whole."""
    return len(typed) <= MAX_ADDRESS and _ADDRESS.fullmatch(typed.reveal()) is not None


def can_be_of(obscured: Sequence[str], address: Secret) -> bool:
    """Whether there is one obscured address, and it can be this one: “da***@e***.com” for “dana@example.com”.

    The server wrote them, so no pattern is made of them: each piece between the asterisks is looked for once.
    """
    if len(obscured) != 1:
        return False
    first, *others = _MASK.split(obscured[0].lower())
    rest = address.reveal().lower()
    if not others:
        return rest == first
    last = others.pop()
    if not rest.startswith(first) or not rest.endswith(last) or len(first) + len(last) > len(rest):
        return False
    rest = rest[len(first) : len(rest) - len(last)]
    for piece in others:
        _, found, rest = rest.partition(piece)
        if not found:
            return False
    return True
