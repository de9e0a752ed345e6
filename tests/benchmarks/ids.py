"""Whether the time until an answer tells what an id is: somebody else's, of a deleted row, or of none.

The real bot is asked about the three in turn. What is measured is the time from the click until the answer has arrived.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

from bot.sandbox.world import World
from bot.status.buttons import TRACKED_REFRESH
from bot.storage.tables import new_id
from tests.benchmarks.measure import Goal, middle, percentile, table

ROUNDS, FEW_ROUNDS = 200, 5
KINDS = ("never was", "somebody else's", "deleted")


async def measure(*, quick: bool) -> list[Goal]:
    """Prints the figures of all three and returns the ratios."""
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    async with World() as world:
        theirs, deleted = await _track(world), await _track(world)
        with closing(sqlite3.connect(world.directory / "bot.db")) as connection, connection:
            connection.execute("DELETE FROM tracked WHERE id = ?", [deleted])
        ben = world.workspace.person("U0BEN", "ben")
        for number in range(1 + (FEW_ROUNDS if quick else ROUNDS)):
            refs = dict(zip(KINDS, (new_id(), theirs, deleted), strict=True))
            for kind in KINDS[number % 3 :] + KINDS[: number % 3]:
                taken = await _ask(world, ben.id, refs[kind])
                if number:  # the first has to find out who asks
                    times[kind].append(taken)
    rows = [[kind, f"{middle(t) * 1e3:.3f} ms", f"{percentile(t, 99) * 1e3:.3f} ms"] for kind, t in times.items()]
    print(table(["", "p50", "p99"], rows))
    usual = middle(times[KINDS[0]])
    return [Goal(f"p50 of {kind} / {KINDS[0]}", middle(times[kind]) / usual, "at most", 2.0) for kind in KINDS[1:]]


async def _track(world: World) -> str:
    """The id of a secret that somebody tracks."""
    ada = world.workspace.person("U0ADA", "ada")
    held = world.onetime.share(None, "text")
    before = len(ada.dm)
    await ada.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key}")
    await ada.until(lambda: len(ada.dm) > before)
    with closing(sqlite3.connect(world.directory / "bot.db")) as connection:
        (found,) = connection.execute("SELECT id FROM tracked ORDER BY tracked_at DESC LIMIT 1").fetchone()
    return str(found)


async def _ask(world: World, user_id: str, ref: str) -> float:
    """Seconds until the answer to a click of Refresh has arrived."""
    workspace = world.workspace
    channel = workspace.state.open_dm(user_id).id
    answers = len([one for one in workspace.export() if one.method == "response_url"])
    payload = {
        "type": "block_actions",
        "api_app_id": workspace.state.app_id,
        "team": {"id": workspace.state.team_id},
        "user": {"id": user_id, "team_id": workspace.state.team_id},
        "trigger_id": workspace.state.new_trigger(user_id),
        "response_url": workspace.response_url("actions", user_id, channel),
        "container": {"type": "message", "channel_id": channel, "message_ts": "1.0"},
        "actions": [{"action_id": TRACKED_REFRESH, "value": f"ref:{ref}", "action_ts": new_id()}],
    }
    began = time.perf_counter()
    await workspace.deliver("interactive", payload)
    await workspace.state.changes.until(
        lambda: len([one for one in workspace.export() if one.method == "response_url"]) > answers
    )
    return time.perf_counter() - began
