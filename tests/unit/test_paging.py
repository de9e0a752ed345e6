"""Where the buttons between pages lead."""

from __future__ import annotations

from bot.interaction import paging


def test_a_button_leads_to_its_page():
    assert [paging.read_page(paging.store_page(page)) for page in range(20)] == list(range(20))


def test_a_button_of_an_earlier_version_leads_to_the_page_with_its_secrets():
    five_a_page = ["0", "1", "2", "3", "4"]

    assert [paging.read_page(stored) for stored in five_a_page] == [0, 0, 1, 1, 2]
