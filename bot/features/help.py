"""`/ots` alone, `/ots help`, and the answer to a verb that does not exist."""

from __future__ import annotations

import difflib
from dataclasses import replace

from bot.errors import NotUnderstood
from bot.interaction.commands import PROMISES, WHAT_IT_DOES, command_button, go_on_button, start_buttons
from bot.interaction.feature import Feature, Interaction, Outcome, Reply, Verb
from bot.interaction.parsed_text import first_word, parse_field
from bot.interaction.pasted import metadata_key
from bot.screen.parts import Button, Buttons, Message, Note, Part, Text
from bot.screen.pieces import Bold, Code, Listing, Mark, Phrase, Piece, Sentences, say
from bot.secret import Secret
from bot.status.buttons import connect_button
from bot.storage.button_contexts import METADATA, NewButtonContext

NOTHING_TYPED = say("Paste a link or a key of Onetime Secret.")
WITHOUT_ACCOUNT = say(
    "To share and to open you need no account. With one, `/ots recent` shows your secrets, and `/ots watch` tells you "
    "about all of them."
)

# What people come for, and the verbs for it.
TASKS: tuple[tuple[Phrase, tuple[str, ...]], ...] = (
    (say("Give somebody a secret, or get one"), ("share", "generate", "request")),
    (say("Open a secret"), ("retrieve",)),
    (say("See the status of a secret, or burn it"), ("recent", "metadata", "burn")),
    (say("Be told about a secret"), ("track", "tracked", "untrack", "watch")),
    (say("Your account and your settings"), ("settings", "connect", "accounts", "disconnect")),
    (say("Find your way"), ("start", "help")),
)


def start_words(_verbs: tuple[Verb, ...]) -> Message:
    """What people come for, as buttons."""
    return Message.of(WHAT_IT_DOES, Text.of(WHAT_IT_DOES), Buttons(_start_buttons()))


def _start_buttons() -> tuple[Button, ...]:
    return (*start_buttons(), command_button(say("All commands"), "help"))


def help_words(verbs: tuple[Verb, ...]) -> Message:
    """Every verb, one line each, grouped by what people want to do."""
    commands = Listing(tuple(Mark(f"/ots {verb.name}") for verb in verbs))
    by_name = {verb.name: verb for verb in verbs}
    groups: list[Part] = []
    for task, names in TASKS:
        lines = [piece for name in names for piece in (Mark("\n"), *_line(by_name[name]))]
        groups.append(Text((Bold(task), *lines)))
        if "connect" in names:
            groups += [Note.of(WITHOUT_ACCOUNT), Buttons.of(connect_button())]
    return Message.of(
        say("Onetime Secret in Slack: {commands}", commands=commands),
        *groups,
        Text.of(say("Paste a link after `/ots` without a verb, and I say what it is and what you can do with it.")),
        Note.of(PROMISES),
    )


def _line(verb: Verb) -> tuple[Piece, ...]:
    return Code(_command(verb)), Mark(" "), verb.does


def _command(verb: Verb) -> Piece:
    """The command with what may be typed after it."""
    command: Piece = Mark(f"/ots {verb.name}")
    return command if verb.usage is None else say("{command} {arguments}", command=command, arguments=verb.usage)


async def answer_unknown(interaction: Interaction, verbs: tuple[Verb, ...]) -> Reply:
    """The closest verb, with a button that goes on with it. What was typed may be a secret, so nothing repeats it."""
    verb = _closest(interaction.text.readable, verbs)
    said: Piece = say("I don't know that command.")
    buttons = _start_buttons()
    if verb is not None:
        said = Sentences.of(said, say("Did you mean {command}?", command=Code(Mark(f"/ots {verb.name}"))))
        # Slack takes no two buttons with the same action beside each other.
        buttons = (command_button(say("All commands"), "help"),) if verb.name != "help" else ()
        if (going_on := await _going_on(interaction, verb)) is not None:
            buttons = (going_on, *buttons)
        else:
            said = Sentences.of(said, say("Then type it like this: {command}.", command=Code(_command(verb))))
    secret = Note.of(
        say(
            "If that was a secret: Slack has seen it now, so change it. Secrets belong in the windows that I open, "
            "never after `/ots`."
        )
    )
    return Reply(Message.of(said, Text.of(said), Buttons(buttons), secret), Outcome.REFUSED)


async def _going_on(interaction: Interaction, verb: Verb) -> Button | None:
    """A button that does what the verb does with what was typed. None if the verb needs what cannot be carried over."""
    label = say("Go on with {command}", command=Mark(f"/ots {verb.name}"))
    if not verb.needs_text:
        return await go_on_button(interaction, label, verb.name, _known_words(interaction, verb))
    if verb.key_button is None:
        return None
    try:
        host, key = await metadata_key(_without_verb(interaction), NOTHING_TYPED)
    except NotUnderstood:
        return None
    context = NewButtonContext(METADATA, host.url, key)
    (ref,) = await interaction.services.button_contexts.keep(interaction.person, context)
    return verb.key_button(label, ref)


def _known_words(interaction: Interaction, verb: Verb) -> list[str]:
    """The words behind the verb that it knows. All others are left out: they may be a secret."""
    if verb.knows_word is None:
        return []
    hosts = interaction.services.hosts
    return [word for word in _without_verb(interaction).text.words if verb.knows_word(word, hosts)]


def _without_verb(interaction: Interaction) -> Interaction:
    _, rest = first_word(interaction.text.with_addresses)
    return replace(interaction, text=parse_field(Secret(rest)))


def _closest(typed: str, verbs: tuple[Verb, ...]) -> Verb | None:
    by_word = {word: verb for verb in verbs for word in (verb.name, *verb.aliases)}
    first = next(iter(typed.split()), "").lower()
    close = difflib.get_close_matches(first[:40], by_word, n=1)
    return by_word[close[0]] if close else None


FEATURE = Feature(
    name="help",
    verbs=(
        Verb("start", say("shows where to begin"), words=start_words),
        Verb("help", say("shows all commands"), words=help_words),
    ),
)
