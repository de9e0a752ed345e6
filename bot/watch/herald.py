"""Sends the notices: claimed with a lease, posted with a stable id, marked with a fence.

Never none, at most one repeat; exactly one wherever Slack honours `client_msg_id`. What may have arrived is sent
again with the same id; what can never arrive is parked.
"""

from __future__ import annotations

import asyncio
import time

from bot import living_card, steps
from bot.errors import BotError, HostNotAllowed, SlackTrouble
from bot.feature import Posted, Services, Tell, Update
from bot.logs import Log
from bot.loop import Loop
from bot.screen.parts import Message
from bot.sharing import followed
from bot.storage.looks import CARD
from bot.storage.notices import Notice, Notices
from bot.storage.parcels import Parcel
from bot.storage.shares import Share
from bot.storage.tracked import Tracked
from bot.watch.held import LEASE, Held

AT_ONCE = 10  # messages
IDLE = 1.0  # seconds
FIRST_RETRY, LAST_RETRY = 2.0, 300.0  # seconds; doubled in between
A_CHANNEL = 1.0  # seconds between two messages in one conversation: Slack's limit
BEING_OPENED = 10.0  # seconds until it is known whether somebody who is opening it here has it
FINISH = 3.0  # seconds that what is being sent has at the end

log = Log("herald")


class _NotYet(Exception):
    """What is to be said is being found out right now."""


class Herald:
    def __init__(self, services: Services, notices: Notices, post: Tell, update: Update) -> None:
        self._services = services
        self._notices = notices
        self._post = post
        self._update = update
        self._loop = Loop(self._step, IDLE, log, "not_sent")
        self._held: Held[Notice] = Held(notices.renew)
        self._sending: set[asyncio.Task[None]] = set()
        self._not_before = 0.0  # the workspace asked us to wait until then
        self._last: dict[str, float] = {}

    def stop(self) -> None:
        """Claim nothing more; what is being sent has a few seconds, then it is given back."""
        self._loop.stop()

    async def run(self) -> None:
        """Until `stop`, and until nothing is held any more."""
        async with self._held.kept():
            await self._loop.run()
            if self._sending:
                _, unsent = await asyncio.wait(self._sending.copy(), timeout=FINISH)
                for task in unsent:
                    task.cancel()  # sent again with the same id, should it have gone out
                await asyncio.gather(*unsent)

    async def once(self) -> bool:
        """Send what is due; whether there was anything."""
        async with self._held.kept():
            found = await self._step()
            await asyncio.gather(*self._sending)
            return found

    async def _step(self) -> bool:
        """Begin to send what is due, as far as there is room; whether there was anything."""
        if len(self._sending) == AT_ONCE:
            await asyncio.wait(self._sending, timeout=IDLE, return_when=asyncio.FIRST_COMPLETED)
        room = AT_ONCE - len(self._sending)
        if not room or self._loop.is_stopping or time.monotonic() < self._not_before:
            return False
        claimed = await self._notices.claim(room, LEASE)
        if not claimed:
            return False
        steps.at("notices_claimed")
        self._held.take(claimed)
        for notice in claimed:
            task = asyncio.create_task(self._guarded(notice))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return True

    async def _guarded(self, notice: Notice) -> None:
        """One bad notice never stops the others. It is tried again when its lease has run out."""
        try:
            await self._send(notice)
        except BotError as error:
            log.warning("not_sent", error=str(error))
        except asyncio.CancelledError:
            if not self._loop.is_stopping:
                raise
            await self._notices.release(notice)
        except Exception as error:  # noqa: BLE001 - counted and left for the lease to run out
            log.error("send_crashed", cause=error)
        finally:
            self._held.drop(notice)

    async def _send(self, notice: Notice) -> None:
        await self._wait_for_channel(notice.person.user_id)
        if not await self._notices.holds(notice):
            return  # taken back since: the secret is not tracked any more, or the account is gone
        try:
            await self._say(notice)
        except SlackTrouble as trouble:
            await self._failed(notice, trouble)
            return
        except _NotYet:
            await self._notices.again(notice, BEING_OPENED)
            return
        except HostNotAllowed:
            await self._notices.park(notice, "host_not_allowed")
            log.warning("notice_parked", error="host_not_allowed")
            return
        await self._notices.sent(notice)
        steps.at("notice_marked")

    async def _say(self, notice: Notice) -> None:
        host = self._services.hosts.of(notice.host).name
        tracked = notice.tracked
        if tracked is None:
            await self._post(notice.person, living_card.reconnect(host), notice.once)
        elif (shared := await self._services.shares.of_tracked(tracked.id)) is not None:
            await self._say_of_share(notice, tracked, *shared)
        elif notice.kind == CARD:
            await self._begin_card(notice, tracked, host)
        else:
            # Asked this late, so that what is switched off is off at once. The card follows all the same.
            if await self._wanted(notice):
                await self._post(notice.person, living_card.news(tracked, notice.kind, host), notice.once)
            steps.at("notice_posted")
            if tracked.card is not None and notice.kind != "reminder":
                await self._refresh(tracked.card, living_card.living_card(tracked, host))

    async def _wanted(self, notice: Notice) -> bool:
        return (await self._services.preferences.of(notice.person)).want(notice.kind)

    async def _say_of_share(self, notice: Notice, tracked: Tracked, share: Share, parcel: Parcel) -> None:
        """It was shared here: that has a card of its own, and a message where it was shared."""
        if notice.kind == CARD:
            return
        if followed.must_wait(parcel, notice.kind):
            raise _NotYet
        await followed.heard(
            self._services, self._post, self._update, share, parcel, notice.kind, tracked.received_at,
            once=notice.once, wanted=await self._wanted(notice),
        )  # fmt: skip

    async def _begin_card(self, notice: Notice, tracked: Tracked, host: str) -> None:
        """The card of a secret that nobody tracked by hand; should somebody have, since, it has one."""
        if tracked.card is None:
            channel, ts = await self._post(notice.person, living_card.living_card(tracked, host), notice.once)
            await self._services.tracking.set_card(tracked.id, channel, ts)
        steps.at("notice_posted")

    async def _refresh(self, card: Posted, message: Message) -> None:
        """The card follows the news. That it was deleted, or may not be edited any more, loses nothing.

        It is not posted anew then: the news beside it says the same, and there is nothing left to press.
        """
        try:
            await self._update(card, message)
        except SlackTrouble as trouble:
            log.info("card_not_updated", error=str(trouble))

    async def _wait_for_channel(self, who: str) -> None:
        now = time.monotonic()
        wait = self._last.get(who, 0.0) + A_CHANNEL - now
        self._last = {one: at for one, at in self._last.items() if at + A_CHANNEL > now}
        self._last[who] = now + max(wait, 0.0)
        if wait > 0:
            await asyncio.sleep(wait)

    async def _failed(self, notice: Notice, trouble: SlackTrouble) -> None:
        if trouble.is_final:
            await self._notices.park(notice, trouble.code)
            log.warning("notice_parked", error=trouble.code)
            return
        wait = min(FIRST_RETRY * 2 ** max(notice.tries - 1, 0), LAST_RETRY)
        if trouble.retry_after is not None:
            self._not_before = time.monotonic() + trouble.retry_after
            wait = trouble.retry_after
        await self._notices.again(notice, wait)
        log.info("notice_again", error=str(trouble), ms=round(wait * 1000))
