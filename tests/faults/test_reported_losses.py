"""A kill between the answer of Onetime Secret and the commit: the metric says that somebody was told."""

import pytest

from tests.faults.crashing import Crashing
from tests.faults.test_opening_sweep import SETTINGS, Delivery
from tests.journeys.test_metrics import scrape
from tests.support.postgres import free_port

pytestmark = pytest.mark.timeout(120)


async def losses(port):
    found, _ = await scrape(port)
    return found[("ots_bot_reveal_lost_reported_total",)]


async def test_a_secret_that_may_be_lost_is_counted_when_its_opener_is_told(tmp_path):
    port = free_port()
    settings = {**SETTINGS, "ADMIN_PORT": str(port)}
    async with Crashing(tmp_path / "kill_at", **settings) as crashing:
        delivery = Delivery(crashing)
        await delivery.is_sent()
        await delivery.window(delivery.ben)
        assert await losses(port) == 0

        crashing.kill_at("fetched")
        await delivery.ben.submit()
        await crashing.says("killed")
        crashing.all_is_well()
        await crashing.is_up_again()

        assert await losses(port) == 1
