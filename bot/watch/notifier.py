"""Sends notifications to the people who track secrets: each at least once, and once more only after a crash.

    due ──claim──▶ leased ──the conversation is free──▶ posting
     ▲               │                                    ├─ Slack took it ──▶ posted ──▶ its card ──▶ sent
     │               │                                    ├─ can never arrive ───────────▶ dead letter
     │               │                                    ├─ error, or outcome pending ──▶ due later
     │               └─ taken back: nothing is sent       └─ shutdown ───────────────────▶ due
     └── the lease runs out: the process died, or the database did not answer

What Slack's answer means is in bot/slack_codes.py:

    recipient    dead letter at once
    message      once more in the simplest words, then dead letter; a digest is sent one by one
    unknown      MAX_REFUSALS tries, the last one in the simplest words, then dead letter
    now          MAX_TRIES tries, about a day, then dead letter
    workspace    nothing is sent to that workspace, and no try is counted; one notification probes it now and then

Slack documents no way to post a message exactly once. Between its answer and `mark_posted` is nothing else, so that a
crash hits this moment seldom: the message then comes once more, as it does when Slack's answer is lost on its way.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import stamina

from bot.errors import HostNotAllowed, SlackError, StorageUnavailable
from bot.failpoints import failpoint
from bot.interaction.services import Services
from bot.logs import Log
from bot.message_ref import MessageRef
from bot.periodic import PeriodicTask
from bot.person import Person
from bot.screen.parts import Message
from bot.status.digest import digest_key, gather, in_simplest_words
from bot.storage.notifications import Notification, Notifications, by_message
from bot.watch.lease_renewer import LEASE, LeaseRenewer
from bot.watch.prepare import OutcomePending, PreparedNotification, prepare
from bot.watch.workspace_pauses import WorkspacePauses

CONCURRENCY = 30  # messages that are sent at once
MAX_CLAIM = 10  # messages of one claim; a workspace with so many under way gets no more, and leaves room for others
IDLE_INTERVAL = 1.0  # seconds between two claims when nothing is due
MIN_RETRY_DELAY, MAX_RETRY_DELAY = 2.0, 300.0  # seconds; doubled with each try
MAX_TRIES = 300  # of a notification for which Slack is never ready
MAX_REFUSALS = 5  # answers to one notification with a code that the bot does not know
CHANNEL_INTERVAL = 1.0  # seconds between two messages to one person: Slack's limit for a conversation
OPENING_DELAY = 10.0  # seconds to wait while somebody is opening the secret here, until the outcome is known
ACT_DELAY = 2.0  # seconds to wait while the person has something under way in Slack that may have caused the change
MARK_TRIES, MARK_WITHIN = 5, 20.0  # how often, and for how many seconds, the mark of a posted message is tried
FINISH_TIME = 3.0  # seconds at shutdown for notifications that are being sent

log = Log("notifier")


class Notifier:
    """Sends notifications until `stop`. The docstring of this module draws the states of a notification."""

    def __init__(self, services: Services, notifications: Notifications) -> None:
        self._services = services
        self._notifications = notifications
        self._loop = PeriodicTask(self._start_sending, IDLE_INTERVAL, log, "claim_failed")
        self._lease_renewer: LeaseRenewer[Notification] = LeaseRenewer(notifications.renew)
        self._sending: dict[asyncio.Task[None], str] = {}  # with the id of the workspace
        self._pauses = WorkspacePauses()
        self._last_post_at: dict[Person, float] = {}  # `time.monotonic`; may be still to come

    def stop(self) -> None:
        """Claim no more notifications. `run` returns a few seconds later."""
        self._loop.stop()

    async def run(self) -> None:
        """Send until `stop`, then wait FINISH_TIME for what is being sent, and release the rest."""
        async with self._lease_renewer.renew_in_background():
            await self._loop.run()
            if self._sending:
                _, unsent = await asyncio.wait([*self._sending], timeout=FINISH_TIME)
                for task in unsent:
                    task.cancel()  # sent again, although Slack may have it already
                await asyncio.gather(*unsent)

    async def run_once(self) -> bool:
        """Send what is due now, and wait for it. Returns whether anything was due."""
        async with self._lease_renewer.renew_in_background():
            found = await self._start_sending()
            await asyncio.gather(*self._sending)
            return found

    async def _start_sending(self) -> bool:
        """Claim and start as many messages as there is room for. Returns whether any was due."""
        if len(self._sending) == CONCURRENCY:
            await asyncio.wait(self._sending, timeout=IDLE_INTERVAL, return_when=asyncio.FIRST_COMPLETED)
        room = CONCURRENCY - len(self._sending)
        if not room or self._loop.is_stopping:
            return False
        claimed = await self._claim_probes(room)
        if limit := min(room - len(claimed), MAX_CLAIM):
            without = {*self._pauses.paused(), *self._busy()}
            claimed += await self._notifications.claim(limit, LEASE, without=without)
        if not claimed:
            return await self._has_room_again()
        failpoint("notifications_claimed")
        self._lease_renewer.hold(claimed)
        for together in by_message(claimed):
            task = asyncio.create_task(self._send_guarded(together))
            self._sending[task] = together[0].person.team_id
            task.add_done_callback(self._sending.pop)
        return True

    def _busy(self) -> set[str]:
        """The workspaces that have as many messages under way as one may have."""
        counts = Counter(self._sending.values())
        return {team_id for team_id, count in counts.items() if count >= MAX_CLAIM}

    async def _has_room_again(self) -> bool:
        """Nothing else is due: wait until a busy workspace has room. False if none is busy."""
        if not self._busy():
            return False
        await asyncio.wait(self._sending, timeout=IDLE_INTERVAL, return_when=asyncio.FIRST_COMPLETED)
        return True

    async def _claim_probes(self, room: int) -> list[Notification]:
        """One message for each workspace that refused us and may take one again."""
        claimed: list[Notification] = []
        for team_id in self._pauses.to_probe()[:room]:
            found = await self._notifications.claim(1, LEASE, team=team_id)
            if found:
                self._pauses.begin_probe(team_id)
                claimed += found
            else:
                self._pauses.end(team_id)  # nothing waits there: whatever comes next finds out
        return claimed

    async def _send_guarded(self, together: list[Notification]) -> None:
        """Send, and log any error. When the database did not answer, the lease runs out and all of it is repeated."""
        try:
            await self._send(together)
        except StorageUnavailable as error:
            log.warning("send_failed", error=str(error))
        except asyncio.CancelledError:
            if not self._loop.is_stopping:
                raise
            await self._notifications.release(*together)
        except Exception as error:  # noqa: BLE001 - logged, and tried a few times: other notifications go on
            log.error("send_crashed", cause=error)
            if len(together) > 1:
                await self._send_each_alone(together, type(error).__name__)
            else:
                await self._retry_or_give_up(together, type(error).__name__)
        finally:
            self._pauses.end_probe(together[0].person.team_id)
            for notification in together:
                self._lease_renewer.forget(notification)

    async def _send(self, together: list[Notification]) -> None:
        if not (together := await self._put_off_during_acts(together)):
            return
        if not all(notification.is_posted for notification in together):
            await self._wait_for_channel(together[0].person)
        # Deleted since the claim are those whose secret is not tracked any more, or whose account is gone.
        held = await self._notifications.still_held(*together)
        prepared = [one for one in [await self._prepare(notification) for notification in held] if one is not None]
        if not prepared:
            return
        said = [one for one in prepared if one.message is not None and not one.notification.is_posted]
        ready = [one.notification for one in prepared]
        try:
            if said:
                await self._post(said)
                failpoint("notification_posted")
                await self._mark_posted([one.notification for one in said])
                self._pauses.end(ready[0].person.team_id)
        except SlackError as error:
            await self._record_failure(ready, error, said)
            return
        await self._settle(prepared)

    async def _put_off_during_acts(self, together: Sequence[Notification]) -> list[Notification]:
        """Those to send now. What may be the effect of something that its person has under way in Slack is put off.

        When that ends, the bot has deleted the notification of what the person did themselves.
        """
        began = await self._services.acts.first_under_way(together[0].person)
        if began is None:
            return list(together)
        effects = [one for one in together if one.tracked and not one.is_posted and one.created_at >= began]
        for notification in effects:
            await self._notifications.reschedule(notification, ACT_DELAY, counts=False)
        return [one for one in together if one not in effects]

    async def _prepare(self, notification: Notification) -> PreparedNotification | None:
        """None if the notification cannot be sent now, or never."""
        try:
            return await prepare(self._services, notification)
        except OutcomePending:
            await self._notifications.reschedule(notification, OPENING_DELAY, counts=False)
        except HostNotAllowed:
            await self._dead_letter([notification], "host_not_allowed")
        return None

    async def _post(self, said: Sequence[PreparedNotification], *, plainly: bool = False) -> None:
        """Post one message for all of them. Raises `SlackError`."""
        person, now = said[0].notification.person, time.monotonic()
        self._last_post_at[person] = max(now, self._last_post_at.get(person, now))
        if len(said) > 1:
            message = gather([one.listed or one.message for one in said if one.message])
            key = digest_key(one.notification.idempotency_key for one in said)
            await self._services.send(person, message, key)
            return
        (only,) = said
        assert only.message is not None
        posted = await self._send_message(only.notification, only.message, plainly=plainly)
        if only.keep is not None:
            await only.keep(posted)

    async def _send_message(self, notification: Notification, message: Message, *, plainly: bool) -> MessageRef:
        key = notification.idempotency_key
        if plainly:  # with a key of its own, since what Slack refused may be the key
            message, key = in_simplest_words(message), f"{key}:plain"
        return await self._services.send(notification.person, message, key)

    async def _mark_posted(self, posted: Sequence[Notification]) -> None:
        """Tried for as long as the leases are renewed: without the mark, the message would come once more."""
        async for attempt in stamina.retry_context(on=StorageUnavailable, attempts=MARK_TRIES, timeout=MARK_WITHIN):
            with attempt:
                await self._notifications.mark_posted(*posted)
        failpoint("notification_noted")
        for notification in posted:
            self._note(notification, "sent")

    async def _settle(self, prepared: Sequence[PreparedNotification]) -> None:
        """Update the cards of what was posted, and mark it as sent."""
        for one in prepared:
            try:
                await one.settle()
            except SlackError as error:
                await self._record_failure([replace(one.notification, is_posted=True)], error, [])
            else:
                await self._notifications.mark_sent(one.notification)
                self._services.metrics.notification("sent")
                failpoint("notification_marked")

    async def _wait_for_channel(self, person: Person) -> None:
        """Wait until CHANNEL_INTERVAL after the last message to this person, and take the next place in the queue."""
        now = time.monotonic()
        wait = self._last_post_at.get(person, 0.0) + CHANNEL_INTERVAL - now
        self._last_post_at = {one: at for one, at in self._last_post_at.items() if at + CHANNEL_INTERVAL > now}
        self._last_post_at[person] = now + max(wait, 0.0)
        if wait > 0:
            await asyncio.sleep(wait)

    # --- what Slack did not take

    async def _record_failure(
        self, failed: list[Notification], error: SlackError, said: Sequence[PreparedNotification]
    ) -> None:
        """Reschedule or give up, by what the error is about. `said` is what Slack did not take; empty: only a card."""
        team_id = failed[0].person.team_id
        if error.about == "workspace" or error.retry_after is not None:
            await self._pause(failed, error)
            return
        if error.about == "now" and self._pauses.is_refused(team_id):
            await self._pause(failed, error)  # this was a probe, and proves nothing
            return
        self._pauses.end(team_id)
        if error.about == "now":
            await self._retry_or_give_up(failed, error.code, MAX_TRIES)
        elif error.about == "unknown" and failed[0].refusals + 1 < MAX_REFUSALS:
            await self._retry_or_give_up(failed, error.code)
        elif error.about == "recipient" or not said:
            await self._give_up(failed, error.code)
        elif len(failed) > 1:
            await self._send_each_alone(failed, error.code)
        else:
            await self._say_plainly(failed, error, said)

    def _note(self, notification: Notification, outcome: str) -> None:
        """Note in the audit what became of a notification."""
        ref = notification.tracked.id if notification.tracked else notification.id
        self._services.audit.note(notification.person, "notification", outcome, name=notification.kind, ref=ref)

    async def _send_each_alone(self, together: Sequence[Notification], code: str) -> None:
        """Try again at once, each in a message of its own: the others go out although one of them is at fault."""
        for notification in together:
            await self._notifications.send_alone(notification)
        log.info("digest_dissolved", error=code, count=len(together))

    async def _say_plainly(
        self, failed: list[Notification], error: SlackError, said: Sequence[PreparedNotification]
    ) -> None:
        """Send the one message in the simplest words. If Slack does not take them either, it is a dead letter."""
        try:
            await self._post(said, plainly=True)
        except SlackError as failure:
            if failure.is_permanent or failure.about == "unknown":
                await self._give_up(failed, error.code)
            else:
                await self._record_failure(failed, failure, [])
            return
        failpoint("notification_posted")
        await self._mark_posted(failed)
        log.info("said_plainly", error=str(error))
        await self._settle(said)

    async def _pause(self, failed: Sequence[Notification], error: SlackError) -> None:
        """Send nothing to this workspace for a while. What meets a refusal of our token has not used up a try."""
        team_id, limited_for = failed[0].person.team_id, error.retry_after
        wait = self._pauses.refuse(team_id) if limited_for is None else self._pauses.limit(team_id, limited_for)
        for notification in failed:
            await self._notifications.reschedule(notification, wait, counts=limited_for is not None)
        log.info("sending_paused", error=str(error), ms=round(wait * 1000))

    async def _retry_or_give_up(self, failed: Sequence[Notification], code: str, tries: int | None = None) -> None:
        """Reschedule, with a growing wait. `tries`: how many there are; None: MAX_REFUSALS, for a code not known."""
        first = failed[0]
        if (first.refusals + 1 >= MAX_REFUSALS) if tries is None else (first.tries >= tries):
            await self._give_up(failed, code)
            return
        wait = min(MIN_RETRY_DELAY * 2.0 ** max(first.tries - 1, 0), MAX_RETRY_DELAY)
        for notification in failed:
            await self._notifications.reschedule(notification, wait, refused=tries is None)
        log.info("notification_rescheduled", error=code, ms=round(wait * 1000))

    async def _give_up(self, failed: Sequence[Notification], code: str) -> None:
        """Dead-letter what was not posted. What was posted only lacks its card, which stays as it is."""
        posted = [notification for notification in failed if notification.is_posted]
        for notification in posted:
            await self._notifications.mark_sent(notification)
        await self._dead_letter([notification for notification in failed if not notification.is_posted], code)

    async def _dead_letter(self, failed: Sequence[Notification], code: str) -> None:
        for notification in failed:
            await self._notifications.dead_letter(notification, code)
            self._services.metrics.notification("dead")
            self._note(notification, "dead")
            count = await self._notifications.dead_count()
            log.warning("notification_dead_lettered", error=code, count=count, ref=notification.id)
            with suppress(SlackError, HostNotAllowed, OutcomePending):  # its card may still be changed
                await (await prepare(self._services, notification)).settle()
