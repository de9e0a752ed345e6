"""`/ots help`, and the answer to a verb that does not exist."""

from __future__ import annotations

import difflib

from bot.interaction.feature import Feature, Verb
from bot.screen.parts import Buttons, Message, Note, Part, Text
from bot.screen.pieces import Bold, Code, Listing, Mark, Piece, Sentences, say
from bot.status.buttons import connect_button

PROMISES = say(
    "Type secrets, passphrases and tokens into windows only, never after `/ots` and never in a message. "
    "Slash commands do not work in threads: use them in the channel or in any direct message."
)


def help_words(verbs: tuple[Verb, ...]) -> Message:
    """Every verb, one line each, grouped as they are listed."""
    commands = Listing(tuple(Mark(f"/ots {verb.name}") for verb in verbs))
    return Message.of(
        say("Onetime Secret in Slack: {commands}", commands=commands),
        Text.of(
            Bold(say("Onetime Secret in Slack")),
            Mark("\n"),
            say("A one-time link shows its secret once, to one person. After that it is empty."),
        ),
        Text(tuple(piece for verb in verbs for piece in (*_line(verb), Mark("\n")))[:-1]),
        Text.of(say("Paste a link after `/ots` without a verb, and I say what it is and what you can do with it.")),
        Buttons.of(connect_button()),
        Note.of(PROMISES),
    )


def _line(verb: Verb) -> tuple[Piece, ...]:
    command: Piece = Mark(f"/ots {verb.name}")
    if verb.usage is not None:
        command = say("{command} {arguments}", command=command, arguments=verb.usage)
    return Code(command), Mark(" "), verb.does


def no_such_verb(typed: str, verbs: tuple[Verb, ...]) -> Message:
    """The closest verb and the list. The answer does not repeat what was typed, which may be a secret."""
    names = [name for verb in verbs for name in (verb.name, *verb.aliases)]
    first = typed.split(maxsplit=1)[0].lower()
    close = difflib.get_close_matches(first[:40], names, n=1)
    said: Piece = say("I don't know that command.")
    if close:
        said = Sentences.of(said, say("Did you mean {command}?", command=Code(Mark(f"/ots {close[0]}"))))
    known = Listing(tuple(Code(Mark(verb.name)) for verb in verbs))
    parts: list[Part] = [
        Text.of(said),
        Text.of(say("I know {commands}. `/ots help` says what they do.", commands=known)),
        Note.of(
            say(
                "If that was a secret: Slack has seen it now, so change it. Secrets belong in the windows that I open, "
                "never after `/ots`."
            )
        ),
    ]
    return Message(said, tuple(parts))


FEATURE = Feature(name="help", verbs=(Verb("help", say("shows this"), words=help_words),))
