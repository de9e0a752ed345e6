"""`/ots generate`: a password that the host makes up. It is shown once to the person, or sent without being shown."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.clock import now
from bot.errors import LimitReached, NotUnderstood, OnetimeError, SecretGone, SlackError
from bot.failpoints import failpoint
from bot.interaction.feature import Feature, FieldErrors, Handler, Interaction, Kind, Outcome, Reply, Verb, read_outcome
from bot.interaction.owners import any_member, own_button_context
from bot.logs import Log
from bot.onetime.client import Credentials
from bot.onetime.wire import GeneratedSecret
from bot.screen.parts import Message, Modal, Note, Part, Revealed, Text
from bot.sharing import form, share_spec, submit
from bot.sharing.create import NO_SECRET
from bot.sharing.deliver import post_card, track
from bot.sharing.form_state import FormState, read_mentions
from bot.sharing.share_spec import ShareSpec
from bot.storage.button_contexts import SHARE_FORM, ButtonContext
from bot.storage.shares.rows import Delivery, NewShare, Recipient, Share

GENERATED_FORM = "generated"
MIN_TTL = 300  # seconds: how long the host would keep its copy if it could not be burned

HOW = "Say `/ots generate`, or with names of people or one channel behind it: `/ots generate @somebody`."
NOT_BURNED = (
    ":warning: The host could not be asked to destroy its copy. Nobody has a link to that, and it expires by itself "
    "in 5 minutes. In our direct conversation you can burn it."
)
IN_DOUBT = (
    ":warning: *No password was received.* The host gave no usable answer. It may have made one; nobody has its link, "
    "and it expires by itself in 5 minutes."
)
TOO_EARLY = (
    "The window was closed before the password could be shown. It is kept nowhere, so it is gone. "
    "`/ots generate` makes another one."
)

log = Log("generate")


async def open_form(interaction: Interaction, _row: None) -> Reply:
    """`/ots generate [@person … | #channel]`."""
    try:
        form_state = read_mentions(interaction.text)
    except NotUnderstood:
        raise NotUnderstood("text behind generate", tell=HOW) from None
    return Reply(await form.open_form(interaction, replace(form_state, is_generated=True)), Outcome.SHOWN)


async def generate(interaction: Interaction, context: ButtonContext[None]) -> Reply:
    """“Generate” was pressed."""
    form_state = form.state_as_shown(interaction, context)
    spec = share_spec.read(interaction, form_state)
    if interaction.selects.get("what") == form.SEND:
        return await submit.share(interaction, form_state, spec, context.id)
    if not spec.recipients[0].is_nobody:
        raise FieldErrors({"what": "To send it to them, choose “Send it”."})
    if spec.passphrase is not None:
        raise FieldErrors({"what": "A passphrase protects what is sent. What is shown to you is kept nowhere."})
    await interaction.show(
        Modal.of(form.GENERATE_FORM, form.GENERATE_TITLE, Text.of(":hourglass_flowing_sand: Being made…"))
    )
    return await _show_once(interaction, form_state, spec, context.id)


@dataclass(frozen=True, slots=True)
class _BegunCreation:
    """The rows for the host's copy of the password, while there may be one. After a crash, recovery reports it."""

    credentials: Credentials
    share: Share
    delivery: Delivery


async def _show_once(interaction: Interaction, form_state: FormState, spec: ShareSpec, ref: str) -> Reply:
    """Make a password, burn the host's copy of it, and show it, in this order: the window has the only copy."""
    try:
        begun = await _begin(interaction, await share_spec.load_account(interaction, spec), ref)
        if begun is None:
            said = "This window was sent before. What was made then was shown once."
            return Reply(_note(said), Outcome.REFUSED)
        made = await _call_host(interaction, begun)
    except (LimitReached, *NO_SECRET) as error:
        why = Text.of(f":warning: {error.tell} Nothing was made.")
        return Reply(await submit.show_again(interaction, form_state, why), read_outcome(error))
    except OnetimeError:
        return Reply(_note(IN_DOUBT), Outcome.UNKNOWN)
    failpoint("generated")
    is_burned = await _burn_copy(interaction, begun, made)
    failpoint("copy_burned")
    is_shown = await _show(interaction, made, *([] if is_burned else [Text.of(NOT_BURNED)]))
    failpoint("password_shown")
    if is_burned:  # no copy is left, so a card would have nothing to show
        await interaction.services.deliveries.mark_failed(begun.delivery.id, "shown")
        await interaction.services.shares.delete(begun.share.id)
    if not is_shown:
        return Reply(None, Outcome.WINDOW_CLOSED)
    return Reply(None, Outcome.DONE if is_burned else Outcome.PARTLY_DONE)


async def _begin(interaction: Interaction, spec: ShareSpec, ref: str) -> _BegunCreation | None:
    """Store the rows before the host is asked. None if they were stored before. Raises `LimitReached`, `Unsealable`."""
    shares, account = interaction.services.shares, spec.account
    credentials = interaction.services.credentials_of(account) if account else Credentials(spec.host)
    await interaction.services.limits.consume(
        interaction.person, interaction.services.limits.share, idempotency_key=ref
    )
    new = NewShare(ref, spec.host.url, account.id if account else None, quiet=True, note=None, label=None)
    share, (delivery,), is_new = await shares.begin(interaction.person, new, (Recipient(),))
    if not is_new or not await interaction.services.deliveries.begin_request(delivery.id):
        return None
    failpoint("delivery_asked")
    return _BegunCreation(credentials, share, delivery)


async def _call_host(interaction: Interaction, begun: _BegunCreation) -> GeneratedSecret:
    """Send the one request. Raises `OnetimeError`; if a password may exist then, a card says so."""
    deliveries = interaction.services.deliveries
    try:
        return await interaction.services.onetime.generate(begun.credentials, ttl=MIN_TTL, passphrase=None)
    except NO_SECRET as error:
        await deliveries.mark_failed(begun.delivery.id, type(error).__name__)
        await interaction.services.shares.delete(begun.share.id)
        raise
    except OnetimeError:
        await deliveries.mark_outcome_unknown(begun.delivery.id)
        await post_card(interaction.services, begun.share)
        raise


async def _burn_copy(interaction: Interaction, begun: _BegunCreation, made: GeneratedSecret) -> bool:
    """Burn the host's copy. False if that fails: the person then gets a card of the copy, with a Burn button."""
    services = interaction.services
    try:
        with suppress(SecretGone):  # burned already: the answer to an earlier try was lost
            await services.onetime.burn(begun.credentials, made.metadata_key)
    except OnetimeError as error:
        log.warning("copy_not_burned", error=str(error), ref=begun.delivery.id)
        delivery = await services.deliveries.mark_made(
            begun.delivery,
            secret_key=made.secret_key,
            metadata_key=made.metadata_key,
            passphrase=None,
            passphrase_required=False,
            expires_at=now() + timedelta(seconds=made.ttl or MIN_TTL),
        )
        await track(services, begun.share, delivery)
        await post_card(services, begun.share)
        return False
    return True


async def _show(interaction: Interaction, made: GeneratedSecret, *more: Part) -> bool:
    """Whether Slack took the window with the password. If not, the person gets a message that says so."""
    shown = (
        Revealed(made.value),
        *more,
        Note.of("Copy it now: this window is the only copy. It is not kept in Slack's messages, nor by the host."),
    )
    try:
        await interaction.show(Modal.of(GENERATED_FORM, "Your password", *shown, close="Done"))
    except SlackError as error:
        log.info("password_not_shown", error=str(error))
        await interaction.tell(Message.of(TOO_EARLY.replace("`", ""), Text.of(f":warning: {TOO_EARLY}")))
        return False
    return True


def _note(said: str) -> Modal:
    return Modal.of(GENERATED_FORM, form.GENERATE_TITLE, Text.of(said), close="Done")


FEATURE = Feature(
    name="generate",
    verbs=(
        Verb(
            "generate",
            "makes up a password and shows or sends it",
            "[@person]",
            handler=Handler(open_form, any_member, opens_window=True),
        ),
    ),
    handlers={
        Kind.FORM: {form.GENERATE_FORM: Handler(generate, own_button_context(SHARE_FORM))},
    },
)
