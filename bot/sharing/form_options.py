"""What “More options” folds out in the window for sharing: life, passphrase, notification and server.

For a password that is made up it also folds out of what it is made.
"""

from __future__ import annotations

from bot.interaction.lives import usual
from bot.policy.decide import acting
from bot.screen.parts import Button, Checkboxes, Choice, Field, Note, Part
from bot.screen.pieces import Duration, HostName, Phrase, Piece, say
from bot.sharing.choices import ANONYMOUS, SERVER
from bot.sharing.form_state import FormState
from bot.sharing.passwords import LENGTHS, PasswordKind, length_words, use_words
from bot.storage.share_choices import GENERATE, MINE, NO_PASSPHRASE

CHANGE = "share_change"  # a menu: what is chosen in it changes which fields there are
FOLD = "share_options"  # a button
MAX_PASSPHRASE = 128  # characters

APART, NEWS = "apart", "news"  # boxes
KIND = "kind"  # a menu: of what a password is made up

_PASSWORD_KINDS: tuple[tuple[str, Piece], ...] = (
    ("words", say("Words that can be spoken")),
    ("characters", say("Letters, digits and signs")),
    ("digits", say("Digits only")),
)

_PASSPHRASES = (
    (NO_PASSPHRASE, say("None")),
    (MINE, say("My own")),
    (GENERATE, say("Generated")),
)


def passphrase_field(form_state: FormState) -> list[Part]:
    """The field for the sender's own passphrase. Folded away, it would lose what is typed into it."""
    if form_state.choices.passphrase == MINE or form_state.has_passphrase_field:
        return [Field("passphrase", say("Your passphrase"), max_length=MAX_PASSPHRASE, optional=True)]
    return []


def password_parts(form_state: FormState) -> list[Part]:
    """The kind and the length of a password that is made up."""
    password = form_state.password
    kinds = _PASSWORD_KINDS if form_state.is_shown else ((SERVER, say("As the server generates it")), *_PASSWORD_KINDS)
    kind = Choice(KIND, say("What is it made of?"), kinds, password.kind if password else SERVER, CHANGE)
    if password is None:
        return [kind]
    lengths = tuple((str(one), length_words(password.kind, one)) for one in LENGTHS[password.kind])
    length = Choice(length_field(password.kind), say("How long is it?"), lengths, str(password.length))
    return [kind, length, Note.of(use_words(password.kind))]


def length_field(kind: PasswordKind) -> str:
    """The name of the field. Each kind has its own, so that Slack keeps no length that was chosen for another kind."""
    return f"length_{kind}"


def option_parts(form_state: FormState) -> list[Part]:
    """The options, or only the passphrase that has to be typed."""
    typed = passphrase_field(form_state)
    if not form_state.is_unfolded:
        return typed
    choices = form_state.choices
    boxes: list[tuple[str, Piece]] = [(NEWS, say("Tell me when it is opened"))]
    if can_be_apart(form_state):
        boxes.insert(0, (APART, say("Send the passphrase separately, by direct message")))
    ticked = frozenset(name for name, is_set in ((APART, choices.apart), (NEWS, choices.news)) if is_set)
    lives = tuple((str(life), Duration(life)) for life in form_state.lives)
    return [
        *(password_parts(form_state) if form_state.is_generated else ()),
        Choice("ttl", say("Lifetime"), lives, str(life_of(form_state))),
        Choice("passphrase_mode", say("Passphrase"), _passphrases(choices.passphrase), choices.passphrase, CHANGE),
        *typed,
        Checkboxes("options", say("Messages"), tuple(boxes), ticked),
        *_account_parts(form_state),
    ]


def _passphrases(chosen: str) -> tuple[tuple[str, Piece], ...]:
    """The choices. “None” only where the rules allow it, or where it is chosen already."""
    wanted = acting.get().wants_passphrase and chosen != NO_PASSPHRASE
    return tuple(one for one in _PASSPHRASES if not (wanted and one[0] == NO_PASSPHRASE))


def _account_parts(form_state: FormState) -> list[Part]:
    if not form_state.accounts:
        return []
    named: tuple[tuple[str, Piece], ...] = tuple(
        (account_id, HostName(name)) for account_id, name in form_state.accounts
    )
    accounts = (*named, (ANONYMOUS, say("Without an account")))
    return [Choice("account", say("Account"), accounts, account_of(form_state), CHANGE)]


def fold_button(form_state: FormState, ref: str) -> Button:
    label = say("Fewer options") if form_state.is_unfolded else say("More options")
    return Button(label, FOLD, ref)


def summary(form_state: FormState) -> list[Phrase]:
    """What the options are while they are folded away, in sentences."""
    if form_state.is_unfolded:
        return []
    said = [say("It can be opened for {life}.", life=Duration(life_of(form_state)))]
    if form_state.choices.passphrase == GENERATE:
        is_apart = form_state.choices.apart and can_be_apart(form_state)
        apart = say("A passphrase is generated and sent separately.")
        said.append(apart if is_apart else say("A passphrase is generated and shown to you."))
    said.append(
        say("You are told when it is opened.")
        if form_state.choices.news
        else say("You are not told when it is opened.")
    )
    if form_state.accounts:
        account_id = account_of(form_state)
        site = next((name for one, name in form_state.accounts if one == account_id), None)
        said.append(
            say("It is made on {server}.", server=HostName(site)) if site else say("It is made without an account.")
        )
    return said


def can_be_apart(form_state: FormState) -> bool:
    """Whether a passphrase can be sent separately: there is one, and it is for people who can be written to."""
    return form_state.is_for_people and form_state.choices.passphrase != NO_PASSPHRASE


def life_of(form_state: FormState) -> int:
    """The life that was chosen, in seconds, unless it is offered no more."""
    chosen = form_state.choices.ttl
    return chosen if chosen in form_state.lives else usual(form_state.lives)


def account_of(form_state: FormState) -> str | None:
    """The id of the account that was chosen, ANONYMOUS, or None for the default one."""
    if not form_state.accounts:
        return None
    site = form_state.choices.site
    if site == ANONYMOUS:
        return ANONYMOUS
    return next((account_id for account_id, name in form_state.accounts if name == site), form_state.accounts[0][0])
