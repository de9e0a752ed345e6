"""Ada reads English, Ben German, Cleo French: each reads the same share in their own language, whoever sends it."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from bot.interaction.languages import FRESH_FOR
from tests.journeys.conftest import somebody
from tests.support.share_window import submit_share


def reader(world, name, locale):
    return somebody(world, name, locale=locale)


async def share(sender, *people, **entered):
    await sender.command("/ots", "share " + " ".join(f"<@{one.id}|{one.name}>" for one in people))
    view = await sender.until(lambda: sender.view and sender.view.submit and sender.view)
    await sender.submit(view, {"text1": "the text"} | entered)


async def test_each_reads_the_same_share_in_their_own_language(world):
    ada, ben, cleo = (reader(world, *one) for one in (("ada", "en-GB"), ("ben", "de-DE"), ("cleo", "fr-FR")))

    await share(ada, ben, cleo, note="staging")

    await ben.until(lambda: ben.dm and "teilt ein Einmal-Geheimnis mit dir" in ben.dm[0].shows)
    await cleo.until(lambda: cleo.dm and "partage un secret à usage unique avec vous" in cleo.dm[0].shows)
    await ada.until(lambda: ada.dm and "What you shared" in ada.dm[0].shows)
    assert "Notiz: „staging“" in ben.dm[0].text
    await ben.click(ben.dm[0], label="Im Browser öffnen …")
    view = await ben.until(lambda: ben.view and ben.view.submit == "Hier anzeigen" and ben.view)
    assert view.title == "Einmal-Link öffnen"
    await ben.close()
    assert "Das geht nur einmal" in str(ben.dm[0].blocks)
    await ben.click(ben.dm[0], label="Öffnen")
    await ben.until(lambda: ben.view and ben.view.secret_text() == "the text")
    await ada.until(lambda: any(f"@{ben.id} opened “staging”" in one.shows for one in ada.dm))
    await ben.until(lambda: "Du hast „staging“ von" in ben.dm[0].shows)
    await cleo.click(cleo.dm[0], label="Ouvrir")
    await cleo.until(lambda: cleo.view and cleo.view.secret_text() == "the text")


async def test_a_message_in_a_channel_is_in_the_language_of_who_shares(world):
    ben = reader(world, "ben", "de-DE")
    ops = world.workspace.channel(f"C0{ben.id}", "ops", [ben, world.workspace.bot_user_id])

    await ben.command("/ots", f"share <#{ops.id}|ops>")
    view = await ben.until(lambda: ben.view and ben.view.submit == "Teilen" and ben.view)
    await ben.submit(view, {"text1": "the text"})

    await ben.until(lambda: any("Wer es zuerst öffnet" in one.shows for one in ben.messages))


async def test_the_watcher_tells_in_the_readers_language(world):
    ben = reader(world, "ben", "de-DE")
    held = world.onetime.share(None, "the text")
    await ben.command("/ots", f"track {world.onetime.url}/private/{held.metadata_key} Datenbank")
    await ben.until(lambda: ben.dm and "Noch nicht geöffnet" in ben.dm[0].shows)

    world.onetime.open_as_outsider(held.secret_key)

    await ben.until(lambda: any("„Datenbank“ wurde geöffnet" in one.shows.replace("*", "") for one in ben.dm))


async def test_help_and_errors_are_in_the_readers_language(world):
    cleo = reader(world, "cleo", "fr-CA")

    await cleo.command("/ots", "")
    await cleo.until(lambda: "Partagez un mot de passe" in cleo.sees())
    await cleo.command("/ots", "help")
    await cleo.until(lambda: "affiche vos comptes" in cleo.sees())
    await cleo.command("/ots", "nonsense")
    await cleo.until(lambda: "Je ne connais pas cette commande" in cleo.sees())
    await cleo.command("/ots", "burn nonsense-nonsense")
    await cleo.until(lambda: "cette clé est trop court" in cleo.sees())
    await cleo.command("/ots", "share")
    view = await cleo.until(lambda: cleo.view and cleo.view.submit == "Partager" and cleo.view)
    await submit_share(cleo, view, {"text1": "   "})
    await cleo.until(lambda: "Il n’y a que des espaces" in str(view.errors))


async def test_a_language_that_nobody_speaks_is_english(world):
    piotr = reader(world, "piotr", "pl-PL")

    await piotr.command("/ots", "accounts")

    await piotr.until(lambda: "You have not connected an account" in piotr.sees())


async def test_the_language_of_the_settings_counts_at_once_and_as_in_slack_again(world):
    ada = reader(world, "ada", "en-GB")
    await ada.command("/ots", "settings")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Save" and ada.view)

    await ada.submit(view, {"language": "Deutsch"})

    await ada.until(lambda: ada.view and ada.view.title == "Einstellungen")
    await ada.close()
    await ada.command("/ots", "help")
    await ada.until(lambda: "zeigt deine Konten" in ada.sees())
    await ada.command("/ots", "settings")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Speichern" and ada.view)
    await ada.submit(view, {"language": "Wie in Slack"})
    await ada.until(lambda: ada.view and ada.view.title == "Settings")


async def test_somebody_who_never_used_the_app_reads_a_request_in_their_own_language(world):
    ada, ben = reader(world, "ada", "en-GB"), reader(world, "ben", "de-DE")
    await ada.command("/ots", f"request <@{ben.id}|{ben.name}>")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Ask" and ada.view)

    await ada.submit(view)

    await ben.until(lambda: ben.dm and "bittet dich um ein Geheimnis" in ben.dm[0].shows)


@pytest.mark.slow
async def test_a_choice_that_was_made_in_another_process_reaches_windows_too(world):
    ada = reader(world, "ada", "en-GB")
    await ada.command("/ots", "share")
    await ada.until(lambda: ada.view and ada.view.title == "Share a secret")
    await ada.close()
    with closing(sqlite3.connect(world.directory / "bot.db", timeout=10)) as connection, connection:
        connection.execute("UPDATE languages SET chosen = 'de' WHERE user_id = ?", (ada.id,))
    await asyncio.sleep(FRESH_FOR + 0.5)
    await ada.command("/ots", "help")  # the next thing that she does
    await ada.until(lambda: ada.ephemerals)

    await ada.command("/ots", "share")

    await ada.until(lambda: ada.view and ada.view.title == "Geheimnis teilen")
