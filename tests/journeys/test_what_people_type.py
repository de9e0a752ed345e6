"""What people really type and paste behind a command: blanks, punctuation, markup, mail filters, names."""

from urllib.parse import quote

from tests.journeys.conftest import EMAIL, TOKEN, connect
from tests.support.rows import each_row
from tests.support.share_window import submit_share

EU = "https://eu.onetimesecret.com"
INVISIBLE = "\u200b\ufeff\u202e\u2060"


async def explained(person, text):
    """The answer to a link without a verb."""
    before = len(person.ephemerals)
    await person.command("/ots", text)
    return await person.until(lambda: person.ephemerals[before:] and person.ephemerals[-1].shows)


async def tracked_as(person, text):
    """The card of what `/ots track` tracks."""
    before = len(person.dm)
    await person.command("/ots", f"track {text}")
    return await person.until(lambda: (person.dm[before:] and person.dm[-1].shows) or None)


async def window_of(person, text):
    """The window that a command opens, filled."""
    await person.command("/ots", text)
    view = await person.until(lambda: person.view and person.view.submit and person.view)
    await person.close()
    return view


def chosen(view, name="to"):
    return view.values[name]["picked"]["selected_users"]


async def test_invisible_characters_around_and_in_a_link_make_no_difference(world, ada):
    held = world.onetime.share(None, "text")
    link = f"{world.onetime.url}/secret/{held.secret_key}"

    for text in (f"{INVISIBLE}{link}{INVISIBLE}", f"{link[:20]}\u200b{link[20:50]}\ufeff{link[50:]}"):
        assert "opens a one-time secret" in await explained(ada, text)


async def test_any_white_space_ends_a_link(world, ada):
    for blank in ("\u00a0", "\t", "\n", "\u3000", " \u200b "):
        held = world.onetime.share(None, "text")

        card = await tracked_as(ada, f"{world.onetime.url}/private/{held.metadata_key}{blank}db password")

        assert "“db password”" in card


async def test_markup_of_links_is_read_and_is_no_label(world, ada):
    for words in ("for the bank", "for R&amp;D"):
        held = world.onetime.share(None, "text")
        link = f"{world.onetime.url}/private/{held.metadata_key}"

        card = await tracked_as(ada, f"<{link}|the private link> {words}")

        assert f"“{words.replace('&amp;', '&')}”" in card


async def test_mentions_in_a_label_become_names_and_mention_nobody(world, ada, ben):
    held = world.onetime.share(None, "text")
    link = f"{world.onetime.url}/private/{held.metadata_key}"

    card = await tracked_as(ada, f"{link} of <!subteam^S1|@ops> for <@{ben.id}|ben> <!here>")

    assert "“of @ops for @ben @here”" in card
    sent = str([message.blocks for message in ada.dm] + [message.text for message in ada.dm])
    assert not any(live in sent for live in (f"<@{ben.id}", "<!subteam", "<!here"))


async def test_mentions_in_the_note_of_a_request_become_names(ada, ben):
    view = await window_of(ada, f"request <@{ben.id}|ben> the key of <!subteam^S1|@ops>")

    assert chosen(view, "people") == [ben.id]
    assert view.values["note"]["typed"]["value"] == "the key of @ops"


async def test_people_are_read_however_they_are_separated(ada, ben, cleo):
    one, two = f"<@{ben.id}|{ben.name}>", f"<@{cleo.id}|{cleo.name}>"

    for verb in ("share", "generate"):
        for text in (f"{one}, {two}", f"{one} and {two}", f"{one},{two}", f"{one} &amp; {two}.", f"{one}{two}"):
            assert chosen(await window_of(ada, f"{verb} {text}")) == [ben.id, cleo.id]


async def test_a_name_that_slack_did_not_resolve_opens_the_window_and_asks_to_choose(ada):
    for text in ("share @ben", "generate @ben,@cleo", "share <!subteam^S1|@ops>", "request @ben the key"):
        await ada.command("/ots", text)

        await ada.until(lambda: "Please choose below" in ada.sees())
        await ada.close()
    assert ada.ephemerals == []


async def test_the_alarm_is_for_other_words_only(ada, ben):
    await ada.command("/ots", f"share <@{ben.id}|ben>, hunter2")

    await ada.until(lambda: "stays in Slack's logs" in ada.sees())
    assert "hunter2" not in ada.sees()


async def test_case_and_punctuation_make_no_difference_to_verbs_and_words(ada):
    await connect(ada)
    for text, says in (
        ("Watch On.", "is tracked from now on"),
        ("watch “OFF”!", "are not tracked any more"),
        ("RECENT Received.", "opened secret"),
        ("recent, new", "unopened secret"),
    ):
        assert says in await explained(ada, text)


async def test_a_wrong_word_is_answered_with_what_is_possible(world, ada):
    await connect(ada)

    said = await explained(ada, "recent new foo")

    assert "word 2" in said
    assert all(word in said for word in ("received", "burned", "eu.onetimesecret.com"))
    assert "foo" not in said


async def test_www_in_front_of_a_host_is_the_host(ada):
    for host in ("onetimesecret.com", "eu.onetimesecret.com"):
        said = await explained(ada, f"https://www.{host}/secret/{'a1' * 16}")

        assert f"opens a one-time secret on *{host}*" in said


async def test_a_link_inside_of_what_a_mail_filter_markdown_or_quotes_made_is_found_and_named(world, ada):
    held = world.onetime.share(None, "text")
    link = f"{world.onetime.url}/secret/{held.secret_key}"

    for text in (
        f"https://eur01.safelinks.protection.outlook.com/?url={quote(link, safe='')}&amp;data=05%7C02&amp;reserved=0",
        f"[the password]({link})",
        f"「{link}」",
        f"please open {link}, thanks",
    ):
        assert "opens a one-time secret" in await explained(ada, text)
    assert world.onetime.calls == []


async def test_a_wrapped_link_is_read_in_a_window_too(world, ada):
    held = world.onetime.share(None, "the text")
    link = f"{world.onetime.url}/secret/{held.secret_key}"
    await ada.command("/ots", "retrieve")
    await ada.until(lambda: ada.view and ada.view.submit == "Next")

    await ada.submit(ada.view, {"link": f"see \u200b{link}\u00a0"})

    await ada.until(lambda: ada.view and ada.view.submit == "Open")


@each_row(
    ("link", "said"),
    [
        ("\u200b", "Paste the link of the secret."),
        (
            f"{EU}/secret/{'a1' * 15}\nb2",
            "That link is broken over two lines. Paste it as one line, without the break.",
        ),
    ],
)
async def test_what_is_no_link_in_the_window_is_said_at_its_field(ada, link, said):
    await ada.command("/ots", "retrieve")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Next" and ada.view)

    await ada.submit(view, {"link": link})

    assert view.errors == {"link": said}


# --- passphrases and secrets


async def opening(world, person, held):
    """The window in which a passphrase can be typed."""
    await person.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
    view = await person.until(lambda: person.view and person.view.submit == "Open" and person.view)
    await person.click(view, label="Enter a passphrase")
    await person.until(lambda: "passphrase" in person.view.values)
    return view


CHANGED = {
    "a blank at its end": ("open sesame", "open sesame ", "a space", []),
    "a line break at its end": ("open sesame", "open sesame\n", "a space", []),
    "a curly apostrophe": ("don't look", "don’t look", "curly quotes", []),
    "a long dash": ("one - two", "one – two", "long dash", []),
    "an apostrophe of a phone": ("don’t look", "don't look", "curly quotes", ["curly"]),
    "letters as two characters": ("é", "e\u0301", "as two characters", []),
    "letters as one character": ("e\u0301", "é", "as one character", ["decomposed"]),
    "an invisible character": ("sesame", "ses\u200bame", "cannot be seen", []),
    "a non-breaking blank": ("open sesame", "open\u00a0sesame", "cannot be seen", []),
    "a blank and a curly apostrophe": ("don't", " don’t", "a space", []),
}


async def test_another_form_of_a_refused_passphrase_is_offered_in_words_and_opens(world, ada):
    for real, typed, words, ticked in CHANGED.values():
        held = world.onetime.share(None, "the text", passphrase=real)
        view = await opening(world, ada, held)
        await ada.submit(view, {"passphrase": typed})
        await ada.until(lambda: "passphrase_forms" in ada.view.values)
        assert words in ada.view.text.lower()
        assert held.state != "received"

        await ada.submit(ada.view, {"passphrase": typed} | ({"passphrase_forms": ticked} if ticked else {}))

        await ada.until(lambda: ada.view and ada.view.secret_text() == "the text")
        await ada.close()


async def test_a_passphrase_is_tried_as_it_was_typed_first(world, ada):
    held = world.onetime.share(None, "the text", passphrase=" don’t ")
    view = await opening(world, ada, held)

    await ada.submit(view, {"passphrase": " don’t "})

    await ada.until(lambda: ada.view and ada.view.secret_text() == "the text")


async def test_each_form_of_a_passphrase_counts_as_a_try(world, ada):
    held = world.onetime.share(None, "the text", passphrase="the right one")
    view = await opening(world, ada, held)

    for number in range(5):
        await ada.submit(ada.view, {"passphrase": f" guess {number} "})
        await ada.until(lambda: "Opening" not in ada.view.text)

    assert "Stopped after 5 tries" in view.text
    assert sum(call.route == "/api/v1/secret/{key}" for call in world.onetime.calls) == 5


async def test_a_passphrase_that_would_be_hard_to_type_again_is_told_at_its_field(world, ada):
    for passphrase in (" sesame", "sesame ", "don’t", "one—two", "“sesame”", "wait…", "e\u0301t\u0301e", "a\u200bb"):
        await ada.command("/ots", "share")
        view = await ada.until(lambda: ada.view and ada.view.submit == "Share" and ada.view)

        await submit_share(ada, view, {"text1": "the text", "passphrase": passphrase})

        assert view.errors.keys() == {"passphrase"}
        await ada.close()
    assert world.onetime.calls == []


async def test_a_secret_of_blanks_only_is_refused_at_its_field(world, ada):
    for text in ("   ", "\n\n", "\t \r\n", "\u00a0\u3000", "\u200b", "\ufeff \n"):
        await ada.command("/ots", "share")
        view = await ada.until(lambda: ada.view and ada.view.submit == "Share" and ada.view)

        await submit_share(ada, view, {"text1": text})

        assert "only spaces" in view.errors["text1"]
        await ada.close()
    assert world.onetime.calls == []


async def test_the_mail_address_of_an_account_has_a_field_of_its_own_and_its_case_may_count(world, ada):
    await ada.command("/ots", "connect")
    view = await ada.until(lambda: ada.view and ada.view.submit == "Connect" and ada.view)
    (field,) = [block["element"] for block in view.blocks if block.get("block_id") == "username"]
    assert field["type"] == "email_text_input"

    await ada.submit(view, {"username": EMAIL.title(), "token": TOKEN})
    await ada.until(lambda: view.errors or "did not accept" in view.text)
    assert "small letters" in " ".join([*view.errors.values(), view.text])

    await ada.submit(view, {"username": f"\u200b{EMAIL}", "token": f"\ufeff{TOKEN}\u200b\u00a0"})
    await ada.until(lambda: ada.view and ada.view.title == "Connected")


async def test_a_secret_with_unseen_characters_is_shown_exactly_and_a_line_says_so(world, ada):
    for text, count in (("abc\u202edef", 1), ("a\u200bb\u2060c", 2), ("a\u00a0b", 1), ("plain text\n\tof lines", 0)):
        held = world.onetime.share(None, text)
        await ada.command("/ots", f"retrieve {world.onetime.url}/secret/{held.secret_key}")
        await ada.until(lambda: ada.view and ada.view.submit == "Open")

        await ada.submit()

        await ada.until(lambda text=text: ada.view and ada.view.secret_text() == text)
        assert ("that cannot be seen" in ada.view.text) == bool(count)
        assert not count or f"{count} character" in ada.view.text
        await ada.close()
