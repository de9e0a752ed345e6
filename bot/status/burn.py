"""Burns a secret, and finds out what is known afterwards.

A 404 says nothing by itself, and neither does a timeout. So the bot asks the host for the metadata before it tells the
person anything. Burning twice does no harm: a repeated click gets the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from bot.clock import now
from bot.errors import (
    HostUnavailable,
    LimitReached,
    NothingDone,
    OnetimeError,
    SecretGone,
    SecretLocked,
    StorageUnavailable,
    WrongPassphrase,
)
from bot.interaction.access import HostAccess
from bot.interaction.feature import Outcome
from bot.interaction.services import Services
from bot.onetime.client import Onetime
from bot.onetime.links import Host
from bot.onetime.wire import Metadata, SecretState, UnexpectedError
from bot.person import Person
from bot.screen.parts import Confirm
from bot.screen.pieces import Phrase, Sentences, say, say_count
from bot.secret import MetadataKey, Secret, SecretKey
from bot.status.names import SecretName
from bot.storage.button_contexts import ButtonContext
from bot.storage.reveals.guesses import GUESSES, Guess
from bot.storage.reveals.rows import MAX_WRONG_TRIES, ROW_LIFE

BURNED_FORM = "burned"  # the window that says whether the secret was burned

NAMES = "names"  # in a button context: the names by which guesses of the secret's passphrase are counted

NOTHING_BURNED = say("Nothing was burned.")
STOPPED = say(
    "Stopped after 5 tries, so that the secret is not locked by guessing. Nothing was burned. Try again in an hour."
)


def kept_names(services: Services, host: Host, key: SecretKey | None) -> dict[str, str]:
    """The data of a button context from which `names_in` reads the secret key's names. Empty if no key is known."""
    return {} if key is None else {NAMES: " ".join(services.guesses.names_of(host.url, key))}


def names_in(context: ButtonContext[MetadataKey]) -> list[str]:
    """The names of a secret key, as `Guesses.names_of` gives them. Empty: only the metadata key is known."""
    return context.data.get(NAMES, "").split()


def burn_confirm(name: SecretName) -> Confirm:
    """The question before this secret is burned."""
    return Confirm(
        title=say("Burn this secret?"),
        question=say(
            "This burns {secret}. It is destroyed for good. Nobody will be able to open its link any more.",
            secret=name.in_label(),
        ),
        yes=say("Burn it"),
        no=say("Keep it"),
    )


async def try_burn(
    onetime: Onetime, access: HostAccess, key: MetadataKey, passphrase: Secret | None, *, asked: bool
) -> tuple[SecretState | None, Metadata | None]:
    """Burn a secret, or find out why not. Returns its state now (None: the host does not know it any more).

    Raises `WrongPassphrase`, `SecretLocked`, or the error of the call when nobody knows whether it is burned.
    `asked` says whether the person was asked for a passphrase.
    """
    try:
        await access.call(lambda credentials: onetime.burn(credentials, key, passphrase))
    except SecretGone:
        return await _find_state(onetime, access, key)
    except NothingDone:
        raise
    except HostUnavailable as error:
        try:
            metadata = await access.call(lambda credentials: onetime.metadata(credentials, key))
        except OnetimeError:
            raise error from None
        state = metadata.state_at(now())
        if state.is_over:
            return state, metadata
        if metadata.passphrase_required and isinstance(error, UnexpectedError):
            if error.may_be_locked:
                raise SecretLocked("burn", tell=Sentences.of(SecretLocked.tell, NOTHING_BURNED)) from None
            if error.may_be_wrong_passphrase and (passphrase or not asked):
                raise WrongPassphrase("burn") from None
        raise
    return SecretState.BURNED, None


async def guess_and_burn(
    services: Services,
    person: Person,
    access: HostAccess,
    key: MetadataKey,
    passphrase: Secret | None,
    *,
    asked: bool,
    names: Sequence[str] = (),
) -> tuple[SecretState | None, Metadata | None]:
    """As `try_burn`, with a passphrase that may be wrong: it counts as a guess of this person.

    `names` are those by which guesses of its passphrase are counted; empty: only the metadata key is known. The words
    of `WrongPassphrase` say how many tries are left. Raises `LimitReached` too, when none is left.
    """
    guess = await _count_guess(services, person, access, key, names, with_passphrase=passphrase is not None)
    try:
        return await try_burn(services.onetime, access, key, passphrase, asked=asked)
    except WrongPassphrase:
        if guess.tries >= MAX_WRONG_TRIES:
            raise LimitReached(GUESSES, ROW_LIFE, tell=STOPPED) from None
        raise WrongPassphrase("burn", tell=_wrong_words(guess.tries)) from None
    except OnetimeError:
        with suppress(StorageUnavailable):
            await services.guesses.give_back(guess)
        raise


def _wrong_words(tries: int) -> Phrase:
    """`tries` is how many wrong ones there were."""
    return say_count(
        "That is not its passphrase, {count} try left. Nothing was burned.",
        "That is not its passphrase, {count} tries left. Nothing was burned.",
        MAX_WRONG_TRIES - tries,
    )


async def _count_guess(
    services: Services,
    person: Person,
    access: HostAccess,
    key: MetadataKey,
    names: Sequence[str],
    *,
    with_passphrase: bool,
) -> Guess:
    """Raises `LimitReached`: nothing may be asked of the host then."""
    host = access.credentials.host.url
    names = names or services.guesses.names_of(host, key)
    try:
        return await services.guesses.begin(person, host, names, with_passphrase=with_passphrase)
    except LimitReached as reached:
        raise LimitReached(reached.kind, reached.wait, tell=STOPPED) from None


def read_burn_outcome(state: SecretState | None) -> Outcome:
    """The outcome of a try to burn a secret that is in this state now."""
    return Outcome.DONE if state is SecretState.BURNED else Outcome.REFUSED


async def _find_state(
    onetime: Onetime, access: HostAccess, key: MetadataKey
) -> tuple[SecretState | None, Metadata | None]:
    try:
        metadata = await access.call(lambda credentials: onetime.metadata(credentials, key))
    except SecretGone:
        return None, None
    except OnetimeError:
        return SecretState.UNKNOWN, None
    return metadata.state_at(now()), metadata
