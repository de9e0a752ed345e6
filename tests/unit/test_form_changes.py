"""A form whose fields change with what somebody chooses: quick choices add up, and nothing later is covered."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bot.errors import ViewChanged
from bot.interaction.feature import Kind
from bot.language import Language
from bot.person import Person
from bot.screen.parts import Modal, Text
from bot.screen.pieces import Plain, say
from bot.slack.answers import Answer
from bot.slack.payloads import Incoming


class Window:
    """A modal in Slack: it changes only for who names its hash."""

    def __init__(self, view_id):
        self.id = view_id
        self.hash = "0"
        self.shows = None

    async def update_view(self, view_id, view, *, if_hash=None):
        assert view_id == self.id
        if if_hash != self.hash:
            raise ViewChanged("views.update", "hash_conflict")
        self.change(view["blocks"][0]["text"]["text"])
        return self.hash

    def change(self, text):
        self.shows, self.hash = text, f"{int(self.hash) + 1}"


@pytest.fixture
def window(request):
    return Window(f"V0{request.node.name}")


def choice(window):
    """What the bot answers to a choice in the window as it is now."""
    incoming = Incoming(kind=Kind.ACTION, name="change", person=Person(None, "T1", "U1"), install_team="T1",
                        idempotency_key="once", view_id=window.id, view_hash=window.hash)  # fmt: skip
    slack: Any = window
    nobody: Any = None
    languages: Any = SimpleNamespace(known=lambda _person: Language.EN)
    return Answer(slack, nobody, languages, incoming)


async def show(answer, text):
    await answer.show(
        replace(Modal.of("form", say("A form"), Text.of(Plain(text)), submit=say("Go")), is_same_form=True)
    )


async def test_a_choice_made_before_the_answer_to_the_last_one_was_there_changes_the_form_too(window):
    first, second, third = choice(window), choice(window), choice(window)

    await show(first, "one")
    await show(second, "one and two")
    await show(third, "one, two and three")

    assert window.shows == "one, two and three"


async def test_a_late_answer_does_not_take_back_a_later_choice(window):
    first, second = choice(window), choice(window)
    await show(second, "one and two")

    await show(first, "one")

    assert window.shows == "one and two"


async def test_what_came_of_a_submitted_form_is_not_covered(window):
    first, second = choice(window), choice(window)
    await show(first, "one")
    window.change("Shared")

    await show(second, "one and two")

    assert window.shows == "Shared"
