"""Draws screens as Block Kit. The one place where text is escaped, cut and split for Slack.

Source of the limits: docs.slack.dev, reference of blocks and of views.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, assert_never

from bot.characters import count_unseen
from bot.screen import long
from bot.screen.parts import (
    Button,
    Buttons,
    Channel,
    Checkboxes,
    Choice,
    Confirm,
    Divider,
    Facts,
    Field,
    Heading,
    Hidden,
    HostName,
    Input,
    Link,
    Message,
    Modal,
    Note,
    Part,
    Passphrase,
    People,
    Piece,
    Plain,
    Revealed,
    Text,
    When,
    Where,
    Who,
)
from bot.screen.words import defang
from bot.secret import Secret

Block = dict[str, Any]

MAX_SECTION = 3000  # characters
MAX_FIELD = 2000
MAX_TITLE = 24

# Markup of mrkdwn that works although the text is escaped: emphasis, code, emoji.
_MARKUP = re.compile(r"[*~`]|(?<!\w)_|_(?!\w)|:(?=[a-z0-9_+'-]+:)", re.IGNORECASE)
# Invisible characters that change how the other text reads: controls, direction overrides, zero widths.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
# Characters that Slack cannot show in a secret. It can show line breaks, tabs and carriage returns.
_UNSHOWABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def escape(text: str) -> str:
    """`& < >` as Slack wants them, so that no mention, link or channel can be formed."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def literal(plain: Plain) -> str:
    """Text that is not ours, for mrkdwn: cut and escaped, so that nothing in it formats, hides or becomes a link."""
    shown = defang(plain.text)
    text = shown if len(shown) <= plain.max_length else shown[: plain.max_length - 1] + "…"
    text = _UNSEEN.sub("\ufffd", text)
    return _MARKUP.sub(lambda found: found.group() + "\u200b", escape(text))


def moment(when: When) -> str:
    """Slack's date token: shown in the reader's time zone, or in UTC where a client does not understand the token."""
    shape = "{date_short_pretty} at {time}" if when.style == "moment" else "{time}"
    fallback = when.at.strftime("%Y-%m-%d %H:%M UTC" if when.style == "moment" else "%H:%M UTC")
    return f"<!date^{int(when.at.timestamp())}^{shape}|{fallback}>"


def mrkdwn(pieces: Iterable[Piece]) -> str:
    return "".join(_piece(piece) for piece in pieces)


def _piece(piece: Piece) -> str:
    match piece:
        case str():
            return piece
        case Plain():
            return literal(piece)
        case HostName(name):
            return escape(name)
        case When():
            return moment(piece)
        case Who(user_id):
            return f"<@{escape(user_id)}>"
        case Where(channel_id):
            return f"<#{escape(channel_id)}>"


def message(screen: Message) -> dict[str, Any]:
    """`text` and `blocks` for chat.postMessage, chat.update or a response_url. Nothing is unfurled."""
    drawn: dict[str, Any] = {
        "text": _summary(screen.summary)[:MAX_SECTION],
        "unfurl_links": False,
        "unfurl_media": False,
    }
    if screen.parts:
        drawn["blocks"] = _blocks(screen.parts, modal=False)
    return drawn


def _summary(summary: str | Text) -> str:
    return escape(summary) if isinstance(summary, str) else mrkdwn(summary.pieces)


def modal(screen: Modal) -> dict[str, Any]:
    """A view for views.open, views.update or a response_action."""
    view: dict[str, Any] = {
        "type": "modal",
        "callback_id": screen.form,
        "title": _plain_text(screen.title[:MAX_TITLE]),
        "close": _plain_text(screen.close),
        "blocks": _blocks(screen.parts, modal=True),
    }
    if screen.submit:
        view["submit"] = _plain_text(screen.submit)
    if screen.ref:
        view["private_metadata"] = f"ref:{screen.ref}"
    if screen.notify_on_close:
        view["notify_on_close"] = True
    return view


def read_ref(value: object) -> str | None:
    """The opaque id in a button's value or a view's private_metadata; None for anything else."""
    if isinstance(value, str) and value.startswith("ref:"):
        return value.removeprefix("ref:")
    return None


def _blocks(parts: Iterable[Part], *, modal: bool) -> list[Block]:
    return [block for part in parts for block in _part(part, modal=modal)]


def _part(part: Part, *, modal: bool) -> list[Block]:  # noqa: PLR0911 - one for each kind of part
    match part:
        case Text(pieces):
            return [{"type": "section", "text": _mrkdwn_text(mrkdwn(pieces))}]
        case Heading(text):
            return [{"type": "header", "text": _plain_text(text)}]
        case Note(pieces):
            return [{"type": "context", "elements": [_mrkdwn_text(mrkdwn(pieces))]}]
        case Facts(rows):
            return [{"type": "section", "fields": [_fact(name, value) for name, value in rows[:10]]}]
        case Revealed() | Link() | Passphrase():
            return _hidden(part, modal=modal)
        case Buttons(row):
            return [{"type": "actions", "elements": [_button(one) for one in row]}]
        case Divider():
            return [{"type": "divider"}]
        case Field() | Choice() | Checkboxes() | People() | Channel():
            return [_input(part)]
        case _:
            assert_never(part)


def _hidden(part: Hidden, *, modal: bool) -> list[Block]:
    if not modal and not isinstance(part, Passphrase):
        raise ValueError("a secret is shown in a modal only")
    return [_link(part.url)] if isinstance(part, Link) else _revealed(part.text)


def _plain_text(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": True}


def _mrkdwn_text(text: str) -> dict[str, Any]:
    """Text with markup. `verbatim` keeps Slack from finding links and mentions in it by itself."""
    return {"type": "mrkdwn", "text": text[:MAX_SECTION], "verbatim": True}


def _fact(name: str, value: Piece) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": f"*{name}*\n{_piece(value)}"[:MAX_FIELD], "verbatim": True}


def _revealed(text: Secret) -> list[Block]:
    """The secret, character for character, in as many preformatted parts as needed. It is never mrkdwn.

    A character that Slack would drop is replaced by a sign, and a note says how many were.
    """
    shown, replaced = _UNSHOWABLE.subn(_sign, text.reveal())
    blocks: list[Block] = [
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": part}]}],
        }
        for part in long.parts(shown)
    ]
    if len(blocks) > 1:
        blocks.append(_note(f"It is long: these {len(blocks)} boxes are one text, without anything between them."))
    if unseen := count_unseen(shown):
        count = "1 character" if unseen == 1 else f"{unseen} characters"
        said = f":warning: It holds {count} that cannot be seen or that only look like a blank. Copy it whole."
        blocks.append(_note(said))
    if replaced:
        blocks.append(_note(f"{replaced} control characters that cannot be shown stand as signs such as ␀."))
    return blocks


def _link(url: Secret) -> Block:
    """A link whose text is its own address, so that a person can click it or copy it."""
    section = {"type": "rich_text_section", "elements": [{"type": "link", "url": url.reveal()}]}
    return {"type": "rich_text", "elements": [section]}


def _sign(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code < 0x20:  # noqa: PLR2004 - Unicode has a picture for each C0 control
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"  # noqa: PLR2004 - and one for DEL


def _note(text: str) -> Block:
    return {"type": "context", "elements": [_mrkdwn_text(text)]}


def _button(one: Button) -> dict[str, Any]:
    drawn: dict[str, Any] = {"type": "button", "text": _plain_text(one.label)}
    drawn["action_id"] = one.action
    if one.ref:
        drawn["value"] = f"ref:{one.ref}"
    if one.style != "plain":
        drawn["style"] = one.style
    if one.confirm:
        drawn["confirm"] = _confirm(one.confirm, one.style)
    if one.accessibility_label:
        drawn["accessibility_label"] = one.accessibility_label[:75]
    return drawn


def _confirm(confirm: Confirm, style: str) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "title": _plain_text(confirm.title),
        "text": _plain_text(confirm.question),
        "confirm": _plain_text(confirm.yes),
        "deny": _plain_text(confirm.no),
    }
    return drawn | ({"style": "danger"} if style == "danger" else {})


def _input(part: Input) -> Block:
    block: Block = {"type": "input", "block_id": part.name, "label": _plain_text(part.label)}
    if not isinstance(part, Choice | Checkboxes) and part.hint:
        block["hint"] = _plain_text(part.hint)
    if isinstance(part, People | Channel) or (not isinstance(part, Choice) and part.optional):
        block["optional"] = True
    match part:
        case Field():
            return block | {"element": _line(part)}
        case Choice():
            return block | {"element": _menu(part)}
        case Checkboxes():
            return block | {"element": _boxes(part)}
        case People():
            return block | {"element": _people(part)}
        case Channel():
            return block | {"element": _channel(part)}


def _line(field: Field) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "plain_text_input", "action_id": "typed", "max_length": field.max_length}
    if field.is_mail_address:  # phones show a keyboard without capitals and corrections for it; it has no length
        element = {"type": "email_text_input", "action_id": "typed"}
    if field.placeholder:
        element["placeholder"] = _plain_text(field.placeholder)
    if field.long:
        element["multiline"] = True
    if field.initial:
        element["initial_value"] = field.initial[: field.max_length]
    return element


def _menu(choice: Choice) -> dict[str, Any]:
    options = _options(choice.options[:100])
    element: dict[str, Any] = {"type": "static_select", "action_id": "chosen", "options": options}
    if initial := [one for one in options if one["value"] == choice.chosen]:
        element["initial_option"] = initial[0]
    return element


def _boxes(checks: Checkboxes) -> dict[str, Any]:
    options = _options(checks.options)
    element: dict[str, Any] = {"type": "checkboxes", "action_id": "checked", "options": options}
    if initial := [one for one in options if one["value"] in checks.chosen]:  # Slack refuses an empty list
        element["initial_options"] = initial
    return element


def _people(people: People) -> dict[str, Any]:
    element: dict[str, Any] = {
        "type": "multi_users_select",
        "action_id": "picked",
        "max_selected_items": people.max_count,
    }
    return element | ({"initial_users": list(people.chosen)} if people.chosen else {})


def _channel(channel: Channel) -> dict[str, Any]:
    shown = {"include": ["public", "private"], "exclude_bot_users": True, "exclude_external_shared_channels": True}
    element: dict[str, Any] = {"type": "conversations_select", "action_id": "picked", "filter": shown}
    return element | ({"initial_conversation": channel.chosen} if channel.chosen else {})


def _options(pairs: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"text": _plain_text(label[:75]), "value": value} for value, label in pairs]
