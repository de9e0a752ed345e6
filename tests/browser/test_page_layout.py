"""Every window, Home tab and message of the tour and the tests: nothing is cut, wide and narrow, light and dark.

The tour is in English; what the tests draw is shown in every language.

`--sheets FOLDER` writes contact sheets, for people to look at.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.language import Language
from bot.sandbox.first_round import FIRST_ROUND
from bot.sandbox.main import ACCOUNTS, EMAIL, TOKEN, new_world
from bot.sandbox.page import Page, read_manifest
from bot.sandbox.page.controls import SetLanguage, SetTheme
from bot.sandbox.page.settings import LOCALES
from bot.sandbox.tour import Tour
from tests.browser.app import started_notes
from tests.browser.kit import actions, mrkdwn, plain
from tests.browser.showing import TALL, Look, find_flaws, shown_in_groups, shown_one_by_one
from tests.browser.stage import NARROW, WIDE, at
from tests.readme import ROOT
from tests.support import drawn_screens
from tests.support.screens import Screen, read_screens
from tests.translations import extract, texts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SIZES = {"wide": WIDE, "narrow": NARROW}
FEWEST = 900  # screens; with fewer the tests did not play


NOT_DRAWN: dict[str, str] = {}  # texts that no test draws, and why


@pytest.fixture(scope="module")
def drawn(request, tmp_path_factory):
    """The file of all that the tests drew."""
    return request.config.getoption("--drawn") or _play_tests(tmp_path_factory.mktemp("screens") / "drawn")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def screens(drawn):
    screens = read_screens([*await _play_tour(), *_sent(drawn)])
    assert len(screens) >= FEWEST
    return screens


async def _play_tour():
    world = new_world()
    world.onetime.add_account(EMAIL, TOKEN)
    async with world:
        said = io.StringIO()
        assert await Tour(world, EMAIL, TOKEN, said).play() == 0, said.getvalue()
        return [one._asdict() for one in world.workspace.export()]


def _play_tests(dump: Path) -> Path:
    """Play the quick tests, and keep all that they drew, in every language. Whether they hold, they tell themselves."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-m", "not slow", "tests"]
    subprocess.run(
        command, cwd=ROOT, env=os.environ | {drawn_screens.FILE: str(dump)}, check=False, capture_output=True
    )
    return dump


def _sent(dump: Path) -> Iterator[dict[str, Any]]:
    yield from map(json.loads, dump.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_is_cut_and_nothing_is_wider_than_its_place(chromium, screens, request, size):
    look = Look(request.config.getoption("--sheets"), size)
    viewport = SIZES[size] | ({"height": TALL} if look.keeps_pictures else {})
    async with started_notes() as notes, at(chromium, notes.page.url, viewport) as me:
        async for group in shown_in_groups(notes, me, screens):
            await look.at(me, *((f"{screen.kind}-{screen.language}", shown) for screen, shown in group))
    await look.write_sheets(chromium)
    assert look.count == len(screens)
    assert look.flaws == {}


@pytest.mark.parametrize("language", Language)
async def test_every_text_of_the_catalogue_is_on_some_screen(drawn, language):
    """So all of them are looked at here, in every language."""
    shown = {tuple(text) for line in _sent(drawn) if line["language"] == language for text in line["texts"]}
    ours = {(one.id[0] if isinstance(one.id, tuple) else one.id, one.context) for one in texts(extract())}

    assert {text for text, _context in ours - shown} == set(NOT_DRAWN)


# --- the page around them


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["neutral", "paper"])
async def test_nothing_of_the_page_itself_is_cut_in_any_language(chromium, world, request, size, theme):
    look = Look(request.config.getoption("--sheets"), size)
    page = Page(world, read_manifest(), ACCOUNTS, FIRST_ROUND)
    await page.start()
    page.controls.watch_bot()
    await page.controls.do(SetTheme(theme))
    async with at(chromium, page.url, SIZES[size]) as me:
        for language in LOCALES:
            await page.controls.do(SetLanguage(language))
            await expect(me.page.locator("html")).to_have_attribute("lang", language)
            async for name, shown in _parts_of_page(me, world):
                await look.at(me, (f"page-{theme}", shown), name=f"{language} {name}")
    await page.stop()
    await look.write_sheets(chromium)
    assert look.flaws == {}


async def _parts_of_page(me, world):
    body, keys = me.page.locator("body"), me.page.keyboard
    world.onetime.share("ada@example.com", "text", passphrase="x")
    world.onetime.burn_as_owner(world.onetime.share(None, "burned").metadata_key)
    yield "start", body
    if await me.page.locator("[data-focus=pane-behind]").is_visible():
        await me.page.locator("[data-focus=pane-behind]").click()
    yield "behind the scenes", body
    await me.page.locator("[data-focus=make]").click()
    yield "making a secret", me.dialog
    await keys.press("Escape")
    if await me.page.locator("[data-focus=pane-chat]").is_visible():
        await me.page.locator("[data-focus=pane-chat]").click()
    await me.page.locator("[data-focus=settings]").click()
    yield "settings", me.dialog
    await keys.press("Escape")
    await me.type("/ots nonsense")
    await me.type("hello")
    await me.page.locator("#composer-text").fill("/")
    yield "suggestions", me.page.locator("#suggestions")
    await me.page.locator("#composer-text").fill("")


# --- the check itself


async def test_the_check_finds_what_is_cut_wide_or_hard_to_read(chromium):
    long = "Donaudampfschifffahrtsgesellschaft" * 3
    text = {"type": "plain_text_input", "action_id": "a", "placeholder": plain(long)}
    button = {"type": "button", "action_id": "b", "text": plain("a label that goes on and on " * 4)}
    planted = {
        "an emoji is not drawn": [mrkdwn(":no_such_sign: hello")],
        "not shown": [{"type": "video", "title": plain("a film")}],
        "cut in its field": [actions(text)],
        "a label of": [actions(button)],
    }
    async with started_notes() as notes, at(chromium, notes.page.url, NARROW) as me:
        screens = [Screen("message", {"text": "a message", "blocks": blocks}) for blocks in planted.values()]
        found = [await find_flaws(shown, is_wide=False) async for _, shown in shown_one_by_one(notes, me, screens)]
        for about, flaws in zip(planted, found, strict=True):
            assert any(about in flaw for flaw in flaws), (about, flaws)

        for style, about in PLANTED_STYLES.items():
            screen = Screen("message", {"text": "a message", "blocks": [mrkdwn("some words " * 20)]})
            async for _, shown in shown_one_by_one(notes, me, [screen]):
                assert await find_flaws(shown, is_wide=False) == []
                await shown.locator(".block-text").evaluate(
                    "(node, [name, value]) => node.style.setProperty(name, value)", style
                )
                await shown.locator(".block-text").evaluate("node => node.style.setProperty('overflow', 'hidden')")
                assert any(about in flaw for flaw in await find_flaws(shown, is_wide=False)), style
        long_word = {"type": "header", "text": {"type": "plain_text", "text": "w" * 24}}
        async for _, shown in shown_one_by_one(
            notes, me, [Screen("message", {"text": "a word", "blocks": [long_word]})]
        ):
            assert await find_flaws(shown, is_wide=False) == []
            header = shown.locator(".block-header")
            await header.evaluate("node => Object.assign(node.style, {width: '200px', overflowWrap: 'normal'})")
            assert [flaw for flaw in await find_flaws(shown, is_wide=False) if "wider than its place" in flaw]


PLANTED_STYLES = {
    ("white-space", "nowrap"): "cut at its side",
    ("max-height", "30px"): "cut below",
    ("color", "rgb(170, 170, 170)"): "hard to read",
    ("margin-left", "-200px"): "wider than its place",
}
