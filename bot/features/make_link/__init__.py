"""The message shortcut “Make a one-time link”: shares the text of a message in the window of `/ots share`.

The text goes from Slack's payload into the window, and is stored nowhere. The message itself stays as it is: whoever
shared its text is told what to do with it. credential_kinds.py points out what looks like a credential.
"""

from __future__ import annotations

from bot.errors import NotUnderstood
from bot.features.make_link.credential_kinds import find_kinds
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply
from bot.interaction.message_content import MessageContent
from bot.interaction.owners import any_member
from bot.screen.long import fields
from bot.screen.parts import Note, Part, Text
from bot.screen.pieces import Listing, say
from bot.secret import Secret
from bot.sharing.choices import PEOPLE
from bot.sharing.form import TEXT_FIELD_LENGTH, open_form
from bot.sharing.form_state import FormState, Original
from bot.status.words import WARNING_SIGN

SHORTCUT = "make_link"

FROM_A_MESSAGE = Note.of(
    say("This is the text of the message. Take out what is not secret. The message itself stays as it is.")
)


async def open_window(interaction: Interaction, _row: None) -> Reply:
    content = interaction.content
    if content is None or content.text.is_blank:
        raise NotUnderstood("no text in the message", tell=say("There is no text in that message."))
    _check_size(interaction, content.text)
    texts = fields(content.text, TEXT_FIELD_LENGTH)
    form_state = FormState(
        chosen_whom=PEOPLE,
        channel=content.channel if content.is_channel else None,
        original=Original(content.channel, content.thread, content.author),
        text_fields=len(texts),
    )
    return Reply(await open_form(interaction, form_state, *await _said(content), texts=texts), Outcome.SHOWN)


def _check_size(interaction: Interaction, text: Secret) -> None:
    """Raise `NotUnderstood` for a text that no server takes. Whether the chosen one does is seen when it is shared."""
    most = max(map(interaction.services.max_bytes_on, interaction.services.hosts.all))
    if text.size > most:
        said = say(
            "That message has {size} bytes, and a secret can have at most {most}. Share it as several secrets, "
            "with `/ots share`.",
            size=text.size,
            most=most,
        )
        raise NotUnderstood("a message too long for a secret", tell=said)


async def _said(content: MessageContent) -> tuple[Part, ...]:
    kinds = await find_kinds(content.text)
    if not kinds:
        return (FROM_A_MESSAGE,)
    return (Text.of(WARNING_SIGN, say("This seems to contain {kinds}.", kinds=Listing(kinds))), FROM_A_MESSAGE)


FEATURE = Feature(
    name="make_link",
    handlers={Kind.MESSAGE_SHORTCUT: {SHORTCUT: Handler(open_window, any_member, opens_window=True)}},
)
