"""Draws screens as Block Kit, in the reader's language.

Source of the limits: docs.slack.dev, reference of blocks and of views. They stand beside the parts, in bot/screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, assert_never

from bot.characters import count_unseen
from bot.language import Language
from bot.screen import long, parts
from bot.screen.parts import (
    Button,
    Buttons,
    Channel,
    Checkboxes,
    Choice,
    Confirm,
    Copyable,
    Divider,
    Facts,
    Field,
    Heading,
    Hidden,
    HomeView,
    Input,
    Item,
    Link,
    LinkButton,
    Menu,
    MenuItem,
    Message,
    Modal,
    MomentPicker,
    Note,
    Part,
    Passphrase,
    People,
    Revealed,
    Text,
)
from bot.screen.pieces import Bold, Mark, Phrase, Piece, say, say_count
from bot.secret import Secret
from bot.slack.texts import cut, draw, mrkdwn_text, plain_text, summary

Block = dict[str, Any]

MENU = "menu"  # the action id of a menu whose items say what they do
_MENU_ITEM = re.compile(r"([a-z_]{1,80}):([A-Za-z0-9_-]{22})")

# Characters that Slack cannot show in a secret. It can show line breaks, tabs and carriage returns.
_UNSHOWABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def message(screen: Message, language: Language) -> dict[str, Any]:
    """`text` and `blocks` for chat.postMessage, chat.update or a response_url. Nothing is unfurled."""
    drawn: dict[str, Any] = {
        "text": message_text(screen, language),
        "unfurl_links": False,
        "unfurl_media": False,
    }
    if screen.parts:
        drawn["blocks"] = _Blocks(language).draw(screen.parts)
    return drawn


def message_text(screen: Message, language: Language, *, hides_names: bool = False) -> str:
    """The `text` of a message, which push notifications show, perhaps without the names of secrets."""
    pieces = screen.summary.pieces if isinstance(screen.summary, Text) else (screen.summary,)
    return cut(summary(pieces, language, hides_names=hides_names), parts.MAX_TEXT)


def modal(screen: Modal, language: Language) -> dict[str, Any]:
    """A view for views.open, views.update or a response_action."""
    view: dict[str, Any] = {
        "type": "modal",
        "callback_id": screen.form,
        "title": plain_text(screen.title, parts.MAX_TITLE, language),
        "close": plain_text(screen.close, parts.MAX_TITLE, language),
        "blocks": _Blocks(language, modal=True).draw(screen.parts),
    }
    if screen.submit:
        view["submit"] = plain_text(screen.submit, parts.MAX_TITLE, language)
    if screen.ref:
        view["private_metadata"] = f"ref:{screen.ref}"
    if screen.notify_on_close:
        view["notify_on_close"] = True
    return view


def home(screen: HomeView, language: Language) -> dict[str, Any]:
    """A view for views.publish. Like a message it holds no secret: drawing one raises `ValueError`."""
    return {"type": "home", "blocks": _Blocks(language).draw(screen.parts)}


def options(pairs: Iterable[tuple[str, Piece]], language: Language) -> list[dict[str, Any]]:
    """(value, label) pairs for a menu, checkboxes, or the answer to a menu that asks for its options."""
    return [{"text": plain_text(label, parts.MAX_OPTION, language), "value": value} for value, label in pairs]


def read_ref(value: object) -> str | None:
    """The opaque id in a button's value or a view's private_metadata; None for anything else."""
    if isinstance(value, str) and value.startswith("ref:"):
        return value.removeprefix("ref:")
    return None


def read_menu_item(value: object) -> tuple[str, str] | None:
    """The action and the opaque id of the menu item with this value; None for anything else."""
    if isinstance(value, str) and (found := _MENU_ITEM.fullmatch(value)):
        return found[1], found[2]
    return None


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Draws parts as blocks of a message, or of a modal."""

    language: Language
    modal: bool = False

    def draw(self, screen_parts: Iterable[Part]) -> list[Block]:
        return [block for part in screen_parts for block in self._part(part)]

    def _part(self, part: Part) -> list[Block]:  # noqa: C901, PLR0911 - one for each kind of part
        match part:
            case Text(pieces):
                return [{"type": "section", "text": mrkdwn_text(pieces, parts.MAX_TEXT, self.language)}]
            case Heading(text):
                return [{"type": "header", "text": plain_text(text, parts.MAX_HEADING, self.language)}]
            case Note(pieces):
                return [self._note(*pieces)]
            case Facts(rows):
                fields = [self._fact(name, value) for name, value in rows[: parts.MAX_FACTS]]
                return [{"type": "section", "fields": fields}]
            case Revealed() | Link() | LinkButton() | Passphrase():
                return self._hidden(part)
            case Copyable(lines):
                return [_preformatted("\n".join(draw(line, self.language, "plain") for line in lines))]
            case Buttons(row):
                return [{"type": "actions", "elements": [self._button(one) for one in row]}]
            case Item():
                return [self._list_item(part)]
            case Menu():
                return [{"type": "actions", "elements": [self._select(part)]}]
            case Divider():
                return [{"type": "divider"}]
            case Field() | Choice() | Checkboxes() | People() | Channel() | MomentPicker():
                return [self._input(part)]
            case _:
                assert_never(part)

    def _note(self, *pieces: Piece) -> Block:
        return {"type": "context", "elements": [mrkdwn_text(pieces, parts.MAX_TEXT, self.language)]}

    def _fact(self, name: Piece, value: Piece) -> dict[str, Any]:
        return mrkdwn_text((Bold(name), Mark("\n"), value), parts.MAX_FACT, self.language)

    def _hidden(self, part: Hidden) -> list[Block]:
        if not self.modal and not isinstance(part, Passphrase):
            raise ValueError("a secret is shown in a modal only")
        if isinstance(part, LinkButton):
            return [{"type": "actions", "elements": [self._link_button(part)]}]
        return [_link(part.url)] if isinstance(part, Link) else self._revealed(part.text)

    def _link_button(self, part: LinkButton) -> dict[str, Any]:
        label = plain_text(part.label, parts.MAX_BUTTON, self.language)
        return {
            "type": "button",
            "text": label,
            "action_id": parts.OPEN_URL,
            "url": part.url.reveal(),
            "style": "primary",
        }

    def _revealed(self, text: Secret) -> list[Block]:
        """The secret, character for character, in as many preformatted parts as needed. It is never mrkdwn.

        A character that Slack would drop is replaced by a sign, and a note says how many were.
        """
        shown, replaced = _UNSHOWABLE.subn(_sign, text.reveal())
        blocks: list[Block] = [_preformatted(part) for part in long.parts(shown)]
        return blocks + [self._note(*said) for said in _notes_on(shown, len(blocks), replaced)]

    def _button(self, one: Button) -> dict[str, Any]:
        drawn: dict[str, Any] = {"type": "button", "text": plain_text(one.label, parts.MAX_BUTTON, self.language)}
        drawn["action_id"] = one.action
        if one.ref:
            drawn["value"] = f"ref:{one.ref}"
        if one.style != "plain":
            drawn["style"] = one.style
        if one.confirm:
            drawn["confirm"] = self._confirm(one.confirm, one.style)
        if one.accessibility_label:
            label = draw(one.accessibility_label, self.language, "plain")
            drawn["accessibility_label"] = cut(label, parts.MAX_ACCESSIBILITY_LABEL)
        return drawn

    def _list_item(self, item: Item) -> Block:
        drawn: Block = {"type": "section", "text": mrkdwn_text(item.pieces, parts.MAX_TEXT, self.language)}
        offered = self._items(item.menu[: parts.MAX_MENU])
        return drawn | ({"accessory": {"type": "overflow", "action_id": MENU, "options": offered}} if offered else {})

    def _select(self, menu: Menu) -> dict[str, Any]:
        offered = self._items(menu.items)
        drawn: dict[str, Any] = {"type": "static_select", "action_id": MENU, "options": offered}
        return drawn | {"initial_option": offered[menu.chosen]}

    def _items(self, items: Iterable[MenuItem]) -> list[dict[str, Any]]:
        return options([(f"{one.action}:{one.ref}", one.label) for one in items], self.language)

    def _confirm(self, confirm: Confirm, style: str) -> dict[str, Any]:
        drawn: dict[str, Any] = {
            "title": plain_text(confirm.title, parts.MAX_CONFIRM_TITLE, self.language),
            "text": plain_text(confirm.question, parts.MAX_CONFIRM_QUESTION, self.language),
            "confirm": plain_text(confirm.yes, parts.MAX_CONFIRM_BUTTON, self.language),
            "deny": plain_text(confirm.no, parts.MAX_CONFIRM_BUTTON, self.language),
        }
        return drawn | ({"style": "danger"} if style == "danger" else {})

    def _input(self, part: Input) -> Block:
        label = plain_text(part.label, parts.MAX_LABEL, self.language)
        block: Block = {"type": "input", "block_id": part.name, "label": label}
        if not isinstance(part, Choice | Checkboxes) and part.hint:
            block["hint"] = plain_text(part.hint, parts.MAX_HINT, self.language)
        if not isinstance(part, Choice) and part.optional:
            block["optional"] = True
        if isinstance(part, Choice) and part.action:
            block["dispatch_action"] = True
        match part:
            case Field():
                return block | {"element": self._line(part)}
            case Choice():
                return block | {"element": self._menu(part)}
            case Checkboxes():
                return block | {"element": self._boxes(part)}
            case People():
                return block | {"element": _people(part)}
            case Channel():
                return block | {"element": _channel(part)}
            case MomentPicker():
                return block | {"element": {"type": "datetimepicker", "action_id": "picked"}}

    def _line(self, field: Field) -> dict[str, Any]:
        element: dict[str, Any] = {"type": "plain_text_input", "action_id": "typed", "max_length": field.max_length}
        if field.is_mail_address:  # phones show a keyboard without capitals and corrections for it; it has no length
            element = {"type": "email_text_input", "action_id": "typed"}
        if field.placeholder:
            element["placeholder"] = plain_text(field.placeholder, parts.MAX_PLACEHOLDER, self.language)
        if field.long:
            element["multiline"] = True
        if field.initial:
            initial = field.initial.reveal() if isinstance(field.initial, Secret) else field.initial
            element["initial_value"] = initial[: field.max_length]
        return element

    def _menu(self, choice: Choice) -> dict[str, Any]:
        offered = options(choice.options[: parts.MAX_OPTIONS], self.language)
        element: dict[str, Any] = {"type": "static_select", "action_id": choice.action or "chosen", "options": offered}
        if initial := [one for one in offered if one["value"] == choice.chosen]:
            element["initial_option"] = initial[0]
        return element

    def _boxes(self, checks: Checkboxes) -> dict[str, Any]:
        offered = options(checks.options, self.language)
        element: dict[str, Any] = {"type": "checkboxes", "action_id": "checked", "options": offered}
        if initial := [one for one in offered if one["value"] in checks.chosen]:  # Slack refuses an empty list
            element["initial_options"] = initial
        return element


def _notes_on(shown: str, boxes: int, replaced: int) -> list[tuple[Piece, ...]]:
    """What is said under a secret, where it is not as it looks."""
    said: list[tuple[Piece, ...]] = []
    if boxes > 1:
        said.append((say("It is long: these {boxes} boxes are one text, with nothing between them.", boxes=boxes),))
    if unseen := count_unseen(shown):
        said.append((Mark(":warning: "), _unseen(unseen)))
    if replaced:
        said.append(
            (
                say_count(
                    "It has {count} control character that cannot be shown. A sign such as ␀ is in its place.",
                    "It has {count} control characters that cannot be shown. Signs such as ␀ are in their place.",
                    replaced,
                ),
            )
        )
    return said


def _unseen(count: int) -> Phrase:
    return say_count(
        "It has {count} character that cannot be seen or that only looks like a space. Copy it whole.",
        "It has {count} characters that cannot be seen or that only look like a space. Copy it whole.",
        count,
    )


def _preformatted(text: str) -> Block:
    inner = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [inner]}


def _link(url: Secret) -> Block:
    """A link whose text is its own address, so that a person can click it or copy it."""
    section = {"type": "rich_text_section", "elements": [{"type": "link", "url": url.reveal()}]}
    return {"type": "rich_text", "elements": [section]}


def _sign(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code < 0x20:  # noqa: PLR2004 - Unicode has a picture for each C0 control
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"  # noqa: PLR2004 - and one for DEL


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
