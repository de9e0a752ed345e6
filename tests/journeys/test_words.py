"""Help, wrong verbs, and links without a verb."""

import pytest

from tests.journeys.conftest import somebody

VERBS = ("retrieve", "metadata", "burn", "recent", "connect")


@pytest.mark.parametrize("text", ["help", "HELP"])
async def test_help_is_in_the_answer_itself_once_it_is_known_who_asks(ada, text):
    await ada.command("/ots", "accounts")
    await ada.until(lambda: len(ada.ephemerals) == 1)

    delivery = await ada.command("/ots", text)

    assert all(f"/ots {verb}" in delivery.shown for verb in VERBS)
    assert (len(ada.ephemerals), ada.dm) == (2, [])  # and nothing comes after it


async def test_help_comes_a_moment_later_for_somebody_unknown(world):
    newcomer = somebody(world, "newcomer")

    delivery = await newcomer.command("/ots", "help")

    assert delivery.answer is None
    await newcomer.until(lambda: all(f"/ots {verb}" in newcomer.sees() for verb in VERBS))


async def test_an_unknown_verb_gets_the_closest_and_is_not_repeated(world, ada):
    for known in (False, True):
        await ada.command("/ots", "retreive hunter2-the-password")

        await ada.until(lambda: len(ada.ephemerals) == 1 + known)  # noqa: B023 - awaited right here
        assert "/ots retrieve" in ada.sees()
        assert "hunter2" not in ada.sees()


async def test_a_secret_link_alone_is_explained_without_touching_it(world, ada):
    held = world.onetime.share(None, "text")

    await ada.command("/ots", f"{world.onetime.url}/secret/{held.secret_key}")

    await ada.until(lambda: "opens a one-time secret" in ada.sees())
    assert world.onetime.calls == []


async def test_a_private_link_alone_warns_not_to_send_it(world, ada):
    held = world.onetime.share(None, "text")

    await ada.command("/ots", f"<{world.onetime.url}/receipt/{held.metadata_key}>")

    await ada.until(lambda: "Don't send it to anybody" in ada.sees())
    await ada.click(label="Show status")
    await ada.until(lambda: "Not opened yet" in ada.sees())


async def test_a_bare_key_can_be_tried_as_either(world, ada):
    held = world.onetime.share(None, "the text")

    await ada.command("/ots", held.secret_key)
    await ada.until(lambda: "key without its link" in ada.sees())
    await ada.click(label="Open…")
    await ada.until(lambda: ada.view and ada.view.submit == "Open")
    await ada.submit()

    await ada.until(lambda: ada.view and ada.view.secret_text() == "the text")


async def test_a_link_to_somewhere_else_is_refused_by_name(world, ada):
    await ada.command("/ots", "https://evil.example/secret/" + "a" * 31)

    await ada.until(lambda: "evil.example" in ada.sees())
    assert world.onetime.calls == []
