"""The values of the choices in the windows for sharing and generating."""

from __future__ import annotations

from typing import Final, Literal

Whom = Literal["people", "channel", "link"]

PEOPLE: Final = "people"
CHANNEL: Final = "channel"
LINK: Final = "link"  # nobody in Slack: the sender gets the link

SHOW: Final = "show"  # a generated password is shown to the sender
SEND: Final = "send"  # it is shared like any secret
SERVER: Final = "server"  # in the place of a kind of password: the server makes it up

ANONYMOUS: Final = "anonymous"  # in the place of an account


def read_whom(value: str) -> Whom:
    """The choice with this value; people for a value that is unknown."""
    return CHANNEL if value == CHANNEL else LINK if value == LINK else PEOPLE
