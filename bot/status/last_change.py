"""Changes messages for the last time, when what they are about is over: so no button is left that does nothing.

recovery.py of each subject calls this once a minute, and again for what Slack did not take.
"""

from __future__ import annotations

from bot.errors import NotYours, SlackError, Unsealable
from bot.interaction.services import Services
from bot.logs import Log
from bot.screen.parts import Message, Text
from bot.screen.pieces import say
from bot.status import tracked_card
from bot.status.words import GONE_SIGN
from bot.storage.following_messages import FollowingMessage

log = Log("following")


async def change_last(services: Services, following: FollowingMessage, message: Message) -> None:
    """Change a message for the last time. A passphrase that Slack does not change is deleted.

    What Slack takes neither way stays as it is. Raises `StorageUnavailable`.
    """
    try:
        try:
            await services.update(following.message, message, following.reader)
        except SlackError as error:
            if following.kind != "passphrase" or not error.is_permanent:
                raise
            await services.delete(following.message)
    except SlackError as error:
        log.info("message_not_changed", error=str(error), ref=following.subject_id)
        if not error.is_permanent:
            return  # again in a minute
    await services.following_messages.forget(following)


async def end_tracked_reminders(services: Services, tracked_id: str | None = None) -> None:
    """Change reminders of tracked secrets that are over or not tracked any more. Raises `StorageUnavailable`."""
    for following in await services.following_messages.outdated_of_tracked(tracked_id):
        await change_last(services, following, await _final_message(services, following))


async def _final_message(services: Services, following: FollowingMessage) -> Message:
    try:
        tracked = await services.tracking.find(following.reader, following.subject_id)
    except (NotYours, Unsealable):
        said = say("This was a reminder of a one-time secret that you do not track any more.")
        return Message.of(said, Text.of(GONE_SIGN, said))
    return tracked_card.ended_reminder(tracked)
