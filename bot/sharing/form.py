"""The window in which something is shared.

Slack keeps what is typed while a window is shown again with the same fields. So it is shown again for everything:
for more room, while the host is asked, and when something has to be corrected. Nothing typed is ever lost or sent back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from bot.card import in_words
from bot.feature import Call
from bot.screen.parts import (
    Button,
    Buttons,
    Channel,
    Checks,
    Choice,
    Field,
    Modal,
    Note,
    Part,
    People,
    Piece,
    Plain,
    Text,
    Who,
)
from bot.sharing.drafts import MOST_PEOPLE, Draft, remember
from bot.sharing.words import NOTE_MOST
from bot.storage.handles import Handle

FORM = "share"
TITLE = "Share a secret"

ROOM = 3_000  # characters of one field: Slack's limit
MOST_PASSPHRASE = 128  # characters
ROW_WITHIN = 0.25  # seconds

DAY = 86_400
TTLS = (300, 3_600, 4 * 3_600, DAY, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY)  # seconds
USUAL_TTL = 7 * DAY
ANONYMOUS = "anonymous"

GENERATE, APART, NEWS = "generate", "apart", "news"
OPTIONS = (
    (GENERATE, "Make up a passphrase"),
    (APART, "Send the passphrase apart, by direct message"),
    (NEWS, "Tell me when it is opened"),
)

GENERATE_FORM = "generate"
GENERATE_TITLE = "Generate a password"
SHOW, SEND = "show", "send"
WHAT = (
    (SHOW, "Show it to me, and keep it nowhere"),
    (SEND, "Send it, or make a link, without showing it to me"),
)


async def open_form(call: Call, draft: Draft) -> Modal:
    """The window, ready to be shown. It is remembered first: nobody can submit it before the row is there."""
    remembering = asyncio.create_task(remember(call, draft))
    remembered, _ = await asyncio.wait({remembering}, timeout=ROW_WITHIN)
    try:
        if not remembered:
            await call.show(Modal.of(FORM, TITLE, Text.of("One moment…")))
    finally:
        ref, draft = await remembering
    return form(draft, ref)


def form(draft: Draft, ref: str, *said: Part, at: Mapping[str, str] | None = None) -> Modal:
    """The window. `said` stands above everything, what is in `at` above the field of that name."""
    parts: list[Part] = [*said]
    for part in _fields(draft, ref):
        sentence = (at or {}).get(getattr(part, "name", ""))
        parts += [Text.of(":warning: ", Plain(sentence, 400)), part] if sentence else [part]
    if draft.made_up:
        return Modal(GENERATE_FORM, GENERATE_TITLE, tuple(parts), ref=ref, submit="Generate", close="Cancel")
    return Modal(FORM, TITLE, tuple(parts), ref=ref, submit="Share", close="Cancel")


def _texts(draft: Draft, ref: str) -> list[Part]:
    names = ["The secret", *["The secret goes on, with nothing in between"] * (draft.rooms - 1)]
    parts: list[Part] = [
        Field(f"text{number}", name, most=ROOM, optional=number > 1, long=True) for number, name in enumerate(names, 1)
    ]
    if draft.rooms < rooms_for(draft.most):
        parts.append(Buttons.of(Button("Add more room", "share_more", ref, spoken="Add a field for a longer secret")))
    return parts


def _made_up(draft: Draft) -> list[Part]:
    whom = SEND if draft.to or draft.channel else SHOW
    return [
        Text.of("The host makes up a random password, another one for each addressee."),
        Choice("what", "What to do with it?", WHAT, whom),
    ]


def _fields(draft: Draft, ref: str) -> list[Part]:
    parts = _made_up(draft) if draft.made_up else _texts(draft, ref)
    parts += _addressees(draft)
    ttls = tuple((str(ttl), in_words(ttl)) for ttl in TTLS)
    parts.append(Choice("ttl", "It can be opened for", ttls, str(USUAL_TTL)))
    parts.append(Field("passphrase", "Passphrase", most=MOST_PASSPHRASE, optional=True))
    parts.append(Checks("options", "And", OPTIONS, frozenset({NEWS})))
    hint = "Not secret: it stands in the message."
    parts.append(Field("note", "A note to go with it", hint, most=NOTE_MOST, optional=True, initial=draft.note))
    if draft.accounts:
        accounts = (*draft.accounts, (ANONYMOUS, "Without an account"))
        parts.append(Choice("account", "Made with the account on", accounts, draft.accounts[0][0]))
    return [*parts, Note.of("What you type goes to Onetime Secret. It is in no message, and not kept here.")]


def _addressees(draft: Draft) -> list[Part]:
    if draft.only:
        names: list[Piece] = [piece for one in draft.only for piece in (", ", Who(one))]
        return [Text.of("Only for ", *names[1:], ".")]
    return [
        People("to", "For these people", draft.to, MOST_PEOPLE, "Each gets a secret of their own that only they open."),
        Channel("channel", "Or for one channel", draft.channel, "Whoever opens it first. Neither: just the link."),
    ]


def more_room(call: Call, handle: Handle) -> Modal:
    """“Add more room”: half as many fields again. What is typed stays, since they keep their names."""
    draft = as_shown(call, handle)
    rooms = draft.rooms + max(1, draft.rooms // 2)
    return form(replace(draft, rooms=min(rooms, rooms_for(draft.most))), handle.id)


def rooms_for(size: int) -> int:
    """How many fields take so many bytes, whatever characters they are."""
    return -(-size // ROOM)


def as_shown(call: Call, handle: Handle) -> Draft:
    """The draft with as many fields as the window has by now."""
    return replace(Draft.of(handle), rooms=rooms_of(call))


def rooms_of(call: Call) -> int:
    return max(1, sum(name.startswith("text") for name in call.typed))
