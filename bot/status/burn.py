"""Burns a secret, and finds out what is known afterwards.

A 404 says nothing by itself, and neither does a timeout. So the bot asks the host for the metadata before it tells the
person anything. Burning twice does no harm: a repeated click gets the same answer.
"""

from __future__ import annotations

from bot.clock import now
from bot.errors import HostUnavailable, NothingDone, OnetimeError, SecretGone, WrongPassphrase
from bot.interaction.feature import Outcome
from bot.onetime.client import Credentials, Onetime
from bot.onetime.wire import Metadata, SecretState
from bot.screen.parts import Confirm
from bot.secret import MetadataKey, Secret

BURNED_FORM = "burned"  # the window that says whether the secret was burned

BURN_CONFIRM = Confirm(
    title="Burn this secret?",
    question="It is destroyed for good. Nobody will be able to open its link any more.",
    yes="Burn it",
    no="Keep it",
)


async def try_burn(
    onetime: Onetime, credentials: Credentials, key: MetadataKey, passphrase: Secret | None, *, asked: bool
) -> tuple[SecretState | None, Metadata | None]:
    """Burn a secret, or find out why not. Returns its state now (None: the host does not know it any more).

    Raises `WrongPassphrase`, or the error of the call when nobody knows whether it is burned.
    `asked` says whether the person was asked for a passphrase.
    """
    try:
        await onetime.burn(credentials, key, passphrase)
    except SecretGone:
        return await _find_state(onetime, credentials, key)
    except NothingDone:
        raise
    except HostUnavailable as error:
        try:
            metadata = await onetime.metadata(credentials, key)
        except OnetimeError:
            raise error from None
        state = metadata.state_at(now())
        if state.is_over:
            return state, metadata
        if metadata.passphrase_required and (passphrase or not asked):
            # Server 0.18 answers a wrong or missing passphrase with its “unexpected error”.
            raise WrongPassphrase("burn") from None
        raise
    return SecretState.BURNED, None


def read_burn_outcome(state: SecretState | None) -> Outcome:
    """The outcome of a try to burn a secret that is in this state now."""
    return Outcome.DONE if state is SecretState.BURNED else Outcome.REFUSED


async def _find_state(
    onetime: Onetime, credentials: Credentials, key: MetadataKey
) -> tuple[SecretState | None, Metadata | None]:
    try:
        metadata = await onetime.metadata(credentials, key)
    except SecretGone:
        return None, None
    except OnetimeError:
        return SecretState.UNKNOWN, None
    return metadata.state_at(now()), metadata
