"""“Share” was pressed: reads the window, makes the share, shows the result, and posts the sender's card.

Slack keeps what is typed when a window is updated with the same fields. So the window stays while the host is asked,
with a line at its top, and it stays to be corrected if nothing could be sent. Only a success replaces it.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import replace

from bot.errors import (
    BotError,
    NotAuthorized,
    NothingDone,
    OnetimeError,
    Refused,
    RequestOver,
    SlackError,
    StorageUnavailable,
)
from bot.failpoints import failpoint
from bot.interaction.feature import FieldErrors, Interaction, Outcome, Reply, read_outcome
from bot.interaction.services import Services
from bot.logs import Log
from bot.person import Person
from bot.screen.parts import Modal, Part, Text
from bot.screen.pieces import Listing, Phrase, Piece, Plain, Sentences, Where, Who, say, say_count
from bot.secret import Secret
from bot.sharing import form, request_messages, result_window, share_spec
from bot.sharing.create import CreatedShare, Mail, PassphraseIgnored, create
from bot.sharing.deliver import post_card
from bot.sharing.form_state import FormState, store_form_state
from bot.sharing.share_spec import ShareSpec
from bot.sharing.shown_state import state_as_shown
from bot.status.names import name_of_delivery
from bot.status.words import WARNING_SIGN, WORKING_SIGN
from bot.storage.button_contexts import ButtonContext
from bot.storage.requests import Request
from bot.storage.shares.rows import Delivery

PATIENCE = 1.2  # seconds of the 3 that Slack gives for an answer
WORKING = Text.of(WORKING_SIGN, say("*Being made…* Please leave this window open."))

NOTHING_MADE = say("Nothing was made.")

log = Log("share")


async def submit(interaction: Interaction, context: ButtonContext[None]) -> Reply:
    form_state = state_as_shown(interaction, context)
    try:
        spec = share_spec.read(interaction, form_state)
    except FieldErrors as error:
        return Reply(await show_errors(interaction, form_state, error.fields), Outcome.REFUSED)
    return await share(interaction, form_state, spec, context.id)


async def show_errors(interaction: Interaction, form_state: FormState, fields: dict[str, Piece]) -> Modal:
    """The window with all fields that have to be corrected, and what is wrong above them.

    Raises `FieldErrors` if the person sees these fields already: then Slack shows the errors at them. It shows no names
    of people there.
    """
    if fields.keys() <= interaction.inputs.names and not any(map(_names_people, fields.values())):
        raise FieldErrors(fields)
    return await show_again(interaction, form.unfold_for(form_state, fields), at=fields)


def _names_people(said: object) -> bool:
    match said:
        case Who() | Where():
            return True
        case Listing(items):
            return any(map(_names_people, items))
        case Phrase():
            return any(_names_people(value) for _, value in said.values)
        case _:
            return False


async def share(interaction: Interaction, form_state: FormState, spec: ShareSpec, ref: str) -> Reply:
    """Make the share of the window `ref`. Raises `FieldErrors` as long as Slack can show them at the fields."""
    remembering = asyncio.create_task(_remember_choices(interaction, form_state))
    making = asyncio.create_task(_create_or_find(interaction, form_state, spec, ref))
    await asyncio.wait({making}, timeout=PATIENCE)
    waited = not making.done()
    is_gone = waited and not await _try_to_show(interaction, form.form(form_state, ref, WORKING))
    try:
        made = await making
        await remembering
    except BotError as error:
        fields = find_field_errors(error, form_state)
        if is_gone:  # then a direct message says it
            raise BotError(type(error).__name__, tell=Sentences(tuple(fields.values()))) if fields else error from None
        if fields and not waited:
            return Reply(await show_errors(interaction, form_state, fields), read_outcome(error))
        window = await show_again(
            interaction, form.unfold_for(form_state, fields), *([] if fields else _error_parts(error)), at=fields
        )
        return Reply(window, read_outcome(error))
    if not made.is_new:
        window = await window_of(interaction.services, interaction.person, form_state, made, ref)
        return Reply(window, Outcome.REFUSED)
    unsent = _unsent(made.deliveries)
    if not unsent:
        await _show(interaction, form_state, spec, made, waited=waited)
    await request_messages.settle_answer(interaction.services, made.share)
    await post_card(interaction.services, made.share)
    again = None
    if unsent:
        again = await _ask_again_for(interaction.services, interaction.person, form_state, made, unsent)
    return Reply(again, _outcome(made.deliveries))


async def _remember_choices(interaction: Interaction, form_state: FormState) -> None:
    """What was chosen is chosen beforehand the next time. If it cannot be stored, nothing else is missing."""
    stored = interaction.services.share_choices
    try:
        if await stored.of(interaction.person) != form_state.choices:
            await stored.set(interaction.person, form_state.choices)
    except StorageUnavailable as error:
        log.info("choices_not_kept", error=str(error))


async def _try_to_show(interaction: Interaction, window: Modal) -> bool:
    """False where the window is gone, or Slack did not take it: that stops no share that is being made."""
    try:
        await interaction.show(window)
    except SlackError as error:
        log.info("outcome_not_shown", error=str(error))
        return False
    return True


def _outcome(deliveries: list[Delivery]) -> Outcome:
    arrived = sum(delivery.has_arrived for delivery in deliveries)
    if arrived:
        return Outcome.DONE if arrived == len(deliveries) else Outcome.PARTLY_DONE
    may_exist = any(delivery.state == "unknown_outcome" for delivery in deliveries)
    return Outcome.UNKNOWN if may_exist else Outcome.REFUSED


AGAIN = say("What you typed is still here. Pressing *Share* makes a new secret.")
AGAIN_FOR_THE_OTHERS = say(
    "What you typed is still here. Pressing *Share* makes a new secret for the people below only."
)
PASSPHRASE_ON_THE_CARD = say(
    "The passphrase of those that were made is with their status, in your direct messages with this app."
)


def _unsent(deliveries: list[Delivery]) -> list[Delivery]:
    """The deliveries that the window offers again: all if none arrived, else those that were not made."""
    if not any(delivery.has_arrived for delivery in deliveries):
        return deliveries
    return [delivery for delivery in deliveries if delivery.state in {"failed", "unknown_outcome"}]


async def window_of(services: Services, person: Person, form_state: FormState, made: CreatedShare, ref: str) -> Modal:
    """What the window of a share that was begun before shows: the same form while somebody may still need it.

    Slack keeps what was typed, and nothing is made again unless the person presses Share once more.
    """
    if any(delivery.state in result_window.IN_HAND for delivery in made.deliveries):
        return form.form(form_state, ref, WORKING)
    if unsent := _unsent(made.deliveries):
        return await _ask_again_for(services, person, form_state, made, unsent)
    return result_window.already_shared(made.deliveries, result_window.original_parts(form_state.original, person))


async def _ask_again_for(
    services: Services, person: Person, form_state: FormState, made: CreatedShare, unsent: list[Delivery]
) -> Modal:
    """The window again, for the recipients who did not get it. What it makes next has one card with what it made."""
    form_state = replace(form_state, earlier=made.share.id)
    said = [result_window.line(delivery) for delivery in made.deliveries]
    if len(unsent) == len(made.deliveries):
        return await _again(services, person, form_state, *said, Text.of(AGAIN))
    if _passphrase_for_sender(made) is not None:
        said.append(Text.of(PASSPHRASE_ON_THE_CARD))
    others = tuple(delivery.recipient.user.user_id for delivery in unsent if delivery.recipient.user is not None)
    left = replace(form_state, only=others, request=None)  # a request is answered when one of them has the secret
    return await _again(services, person, left, *said, Text.of(AGAIN_FOR_THE_OTHERS))


async def _create_or_find(interaction: Interaction, form_state: FormState, spec: ShareSpec, ref: str) -> CreatedShare:
    """Make the share, or find the one that was made when this window was submitted before."""
    shares = interaction.services.shares
    if (before := await shares.find_by_key(interaction.person, ref)) is not None:
        return CreatedShare(before, await shares.deliveries_of(before.id), is_new=False)
    if form_state.request and not (request := await _find_request(interaction, form_state.request)).is_open:
        raise request_messages.what_ended(request)
    spec = await share_spec.load_account(interaction, form_state, spec)
    share_spec.check_policy(spec)
    share_spec.check_size(interaction, form_state, spec)
    await share_spec.check_people(interaction, spec)
    try:
        return await create(interaction, spec, ref, answers=form_state.request, earlier=form_state.earlier)
    except RequestOver:
        raise request_messages.what_ended(await _find_request(interaction, form_state.request)) from None


async def _find_request(interaction: Interaction, ref: object) -> Request:
    return await interaction.services.requests.find_for_asked(interaction.person, ref)


async def show_again(
    interaction: Interaction, form_state: FormState, *said: Part, at: dict[str, Piece] | None = None
) -> Modal:
    """The window again, under a new id: what is submitted next is another share."""
    return await _again(interaction.services, interaction.person, form_state, *said, at=at)


async def _again(
    services: Services, person: Person, form_state: FormState, *said: Part, at: dict[str, Piece] | None = None
) -> Modal:
    return form.form(form_state, await store_form_state(services, person, form_state), *said, at=at)


def find_field_errors(error: BotError, form_state: FormState) -> dict[str, Piece]:
    """Field name -> what to say there. Empty if the error is about no field."""
    if isinstance(error, FieldErrors):
        return {} if form_state.only and "to" in error.fields else error.fields
    if isinstance(error, PassphraseIgnored):
        return {"passphrase": error.tell}
    return _refused_field(error.reason, form_state) if isinstance(error, Refused) else {}


def _refused_field(said_by_server: str, form_state: FormState) -> dict[str, Piece]:
    reason = said_by_server.lower()
    if form_state.mail_address and "email" in reason:
        return {"mail_address": say("Onetime Secret does not send mail to this address. Nothing was made.")}
    number = re.search(r"(\d[\d,]{0,11})(?: (bytes|characters))?", reason)
    if "passphrase" in reason:
        return {"passphrase": _passphrase_error(said_by_server, number[1] if number else "")}
    if re.search(r"size|bytes|characters|too (?:big|long|large)", reason):
        said: Piece = say("That is too long for the server.")
        if number:
            said = Sentences.of(said, say("Its limit is {limit}.", limit=_size(number)))
        return {f"text{form_state.text_fields}": said}
    return {}


def _size(found: re.Match[str]) -> Piece:
    """A number that a server says, with its unit if it says one."""
    count, unit = int(found[1].replace(",", "")), found[2]
    if unit == "bytes":
        return say_count("{count} byte", "{count} bytes", count)
    return say_count("{count} character", "{count} characters", count) if unit else Plain(found[1])


def _passphrase_error(reason: str, number: str) -> Phrase:
    if number and "least" in reason:
        return say("The server wants at least {number} characters.", number=Plain(number))
    if number and "more" in reason:
        return say("The server takes at most {number} characters.", number=Plain(number))
    return say("The server says: “{reason}”.", reason=Plain(reason))


def _error_parts(error: BotError) -> list[Part]:
    if isinstance(error, Refused):
        refused = say("*The server refused it.*")
        if error.reason:
            refused = say("*The server refused it*: “{reason}”.", reason=Plain(error.reason))
        return [Text.of(WARNING_SIGN, Sentences.of(refused, NOTHING_MADE))]
    if isinstance(error, NothingDone):
        return [Text.of(WARNING_SIGN, error.tell_without_effect(NOTHING_MADE))]
    is_certain = isinstance(error, OnetimeError) and not isinstance(error, NotAuthorized)
    return [Text.of(WARNING_SIGN, Sentences.of(error.tell, *((NOTHING_MADE,) if is_certain else ())))]


async def _show(
    interaction: Interaction, form_state: FormState, spec: ShareSpec, made: CreatedShare, *, waited: bool
) -> None:
    """Show the result. A link or passphrase counts as seen when Slack has taken the window; else the card offers it."""
    passphrase = _passphrase_for_sender(made)
    advice = result_window.original_parts(form_state.original, interaction.person)
    window = result_window.window(
        made.deliveries, asked=spec.ttl, ttl=made.ttl, passphrase=passphrase, mail=made.mail, advice=advice
    )
    try:
        if (window.shows_secret or advice) and not waited:
            await interaction.show(result_window.one_moment())  # the answer to Slack, which nobody confirms
        await interaction.show(window)
    except SlackError as error:
        log.info("outcome_not_shown", error=str(error))
        if made.mail is not None:
            await _explain_mail(interaction, made.mail, made)
        if advice:
            with suppress(SlackError):
                await interaction.tell(result_window.original_message(advice))
        return
    failpoint("outcome_shown")
    if window.shows_secret:
        await mark_seen(interaction, made)


async def _explain_mail(interaction: Interaction, mail: Mail, made: CreatedShare) -> None:
    """Say what the server said about the mail where the window that would say it is gone: the card does not know."""
    try:
        secret = name_of_delivery(made.share, made.deliveries[0]).in_list()
        await interaction.tell(result_window.mail_message(mail, secret))
    except SlackError as error:
        log.info("mail_not_explained", error=str(error))


def _passphrase_for_sender(made: CreatedShare) -> Secret | None:
    if made.share.passphrase_to != "sender":
        return None
    return next((delivery.passphrase for delivery in made.deliveries if delivery.passphrase is not None), None)


async def mark_seen(interaction: Interaction, made: CreatedShare) -> None:
    """Mark that the sender has seen the link and the passphrase."""
    for delivery in made.deliveries:
        if delivery.recipient.is_nobody:
            await interaction.services.deliveries.mark_link_shown(delivery.id, interaction.person)
        if made.share.passphrase_to == "sender":
            await interaction.services.deliveries.wipe_passphrase(delivery.id)
    failpoint("sender_has_it")
