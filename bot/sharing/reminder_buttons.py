"""“Remind…” on the sender's card: the window that asks when, and the reminder that is still to come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.clock import now
from bot.errors import SlackError
from bot.interaction.feature import FieldErrors, Interaction, Outcome, Reply
from bot.logs import Log
from bot.screen.parts import CANCEL, DONE, NO_FORM, Choice, Message, Modal, MomentPicker, Note, Text
from bot.screen.pieces import Listing, Piece, Sentences, When, say
from bot.sharing.notify import redraw
from bot.sharing.reminders import send_reminder
from bot.status.words import REMINDER_SIGN, recipient_name
from bot.storage.shares.reminders import REMINDER_INTERVAL
from bot.storage.shares.rows import Delivery, Share
from bot.storage.tables import new_id

FORM: Final = "share_remind"
NOW, IN_AN_HOUR, TOMORROW, AT = "now", "hour", "tomorrow", "at"
MORNING: Final = 9  # o'clock
HOUR: Final = timedelta(seconds=REMINDER_INTERVAL)
TITLE: Final = say("Remind")
NOBODY: Final = say("There is nobody to remind.")
JUST_REMINDED: Final = say("They were reminded less than an hour ago.")

log = Log("share")


async def ask_when(interaction: Interaction, share: Share) -> Reply:
    """“Remind…”: the window that asks when."""
    waiting = await _waiting(interaction, share)
    if not waiting:
        return Reply(Modal.of(NO_FORM, TITLE, Text.of(NOBODY)), Outcome.REFUSED)
    return Reply(_form(share, waiting, interaction.zone), Outcome.SHOWN)


async def remind(interaction: Interaction, share: Share) -> Reply:
    """“Remind” was pressed in the window: now, or at the time that was chosen."""
    waiting = await _waiting(interaction, share)
    if not waiting:
        return Reply(_said(REMINDER_SIGN, NOBODY), Outcome.REFUSED)
    chosen, at = interaction.selects.get("when", NOW), interaction.moments.get("at")
    if at is not None and chosen != AT:
        raise FieldErrors(
            {"at": say("To use this time, choose “At the time below” above. Otherwise empty this field.")}
        )
    if chosen == NOW:
        return await _remind_now(interaction, share, waiting)
    at = _moment(chosen, at, interaction.zone)
    if (problem := _find_problem(at, waiting)) is not None:
        raise FieldErrors({"at" if chosen == AT else "when": problem})
    assert at is not None
    if not await interaction.services.reminders.schedule(share.id, at):
        return Reply(_said(REMINDER_SIGN, NOBODY), Outcome.REFUSED)
    await redraw(interaction.services, waiting[0])
    said = say("A reminder goes out {when}, to those who have not opened it by then.", when=When(at))
    return Reply(_said(REMINDER_SIGN, said, say("You can cancel it below the status.")), Outcome.DONE)


async def cancel(interaction: Interaction, share: Share) -> Reply:
    """“Cancel the reminder” on the card."""
    cancelled = await interaction.services.reminders.cancel(share.id)
    await redraw(interaction.services, (await interaction.services.shares.deliveries_of(share.id))[0])
    if cancelled:
        return Reply(None, Outcome.DONE)
    said = say("There is no reminder to cancel any more.")
    return Reply(Message.of(said, Text.of(said), without_replacing=True), Outcome.REFUSED)


async def _waiting(interaction: Interaction, share: Share) -> list[Delivery]:
    """The deliveries whose recipients can be reminded."""
    return [one for one in await interaction.services.shares.deliveries_of(share.id) if one.state == "sent"]


async def _remind_now(interaction: Interaction, share: Share, waiting: list[Delivery]) -> Reply:
    """Remind everybody who has not opened it, each once an hour at most."""
    reminded: list[Delivery] = []
    not_taken: list[Delivery] = []
    for delivery in waiting:
        if await interaction.services.reminders.claim_now(delivery.id):
            is_sent = await _try_to_remind(interaction, share, delivery)
            (reminded if is_sent else not_taken).append(delivery)
    said = [say("Reminded: {people}.", people=_names(reminded))] if reminded else []
    if not_taken:
        failed = say("Slack did not take the reminder for {people}. Please try again.", people=_names(not_taken))
        said.append(failed)
    if not reminded:
        return Reply(_said(REMINDER_SIGN, *(said or [JUST_REMINDED])), Outcome.REFUSED)
    outcome = Outcome.DONE if len(reminded) == len(waiting) else Outcome.PARTLY_DONE
    return Reply(_said(REMINDER_SIGN, *said), outcome)


async def _try_to_remind(interaction: Interaction, share: Share, delivery: Delivery) -> bool:
    """Send a reminder that was claimed. False if Slack did not take it: then no hour begins."""
    try:
        return await send_reminder(interaction.services, share, delivery, f"reminder:{new_id()}")
    except SlackError as error:
        log.info("not_reminded", error=str(error), ref=delivery.id)
        await interaction.services.reminders.unclaim_now(delivery)
        return False


def _names(deliveries: list[Delivery]) -> Listing:
    return Listing(tuple(recipient_name(delivery.recipient) for delivery in deliveries))


def _form(share: Share, waiting: list[Delivery], zone: str | None) -> Modal:
    """The window. It offers only times before the secret's end."""
    end = _end_of(waiting)
    offered: list[tuple[str, Piece]] = [(NOW, say("Now"))]
    offered += [(IN_AN_HOUR, say("In an hour"))] if end is None or now() + HOUR < end else []
    if zone is not None and (end is None or _tomorrow(zone) < end):
        offered.append((TOMORROW, say("Tomorrow at 9 in the morning")))
    offered.append((AT, say("At the time below")))
    before = (
        [Note.of(say("Before {when}, when the secret expires. Once an hour at most.", when=When(end)))] if end else []
    )
    return Modal.of(
        FORM,
        TITLE,
        Text.of(REMINDER_SIGN, say("Not opened yet: {people}.", people=_names(waiting))),
        Choice("when", say("When?"), tuple(offered), NOW),
        MomentPicker("at", say("Date and time")),
        *before,
        ref=share.id,
        submit=say("Remind"),
        close=CANCEL,
    )


def _said(*pieces: Piece) -> Modal:
    sign, *sentences = pieces
    return Modal.of(NO_FORM, TITLE, Text.of(sign, Sentences.of(*sentences)), close=DONE)


def _moment(chosen: str, chosen_at: datetime | None, zone: str | None) -> datetime | None:
    """The time that was chosen. None if none was."""
    if chosen == IN_AN_HOUR:
        return now() + HOUR
    if chosen == TOMORROW and zone is not None:
        return _tomorrow(zone)
    return chosen_at


def _tomorrow(zone: str) -> datetime:
    """Tomorrow in the morning in this time zone."""
    here = now().astimezone(ZoneInfo(zone))
    return (here + timedelta(days=1)).replace(hour=MORNING, minute=0, second=0, microsecond=0)


def _find_problem(at: datetime | None, waiting: list[Delivery]) -> Piece | None:
    """Why no reminder can be sent at this time. None if it can."""
    if at is None:
        return say("Please choose a date and a time.")
    if at <= now():
        return say("That time has passed. Please choose a later one.")
    end = _end_of(waiting)
    if end is not None and at >= end:
        return say("The secret expires before that, {when}. Please choose an earlier time.", when=When(end))
    last = max((one.reminded_at for one in waiting if one.reminded_at), default=None)
    if last is not None and at < last + HOUR:
        return say("They were reminded less than an hour before that. Please choose a later time.")
    return None


def _end_of(waiting: list[Delivery]) -> datetime | None:
    """When the first of the secrets expires."""
    return min((one.expires_at for one in waiting if one.expires_at), default=None)
