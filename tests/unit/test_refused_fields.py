"""What is said at a field that was filled in wrong: when something is shared, generated, or an account is connected."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bot import clock
from bot.features import connect, generate
from bot.interaction.feature import FieldErrors, Inputs, Interaction
from bot.onetime.links import Hosts
from bot.person import Person
from bot.secret import Secret
from bot.sharing import share_spec
from bot.sharing.choices import CHANNEL, PEOPLE
from bot.sharing.form_state import FormState
from bot.storage.button_contexts import SHARE_FORM, ButtonContext
from bot.storage.share_choices import GENERATE, MINE, NO_PASSPHRASE, ShareChoices
from tests.support.english import plain_english

ADA = Person(None, "T1", "U0ADA")
TEXT = {"text1": Secret("a text")}
BEN = {"to": ("U0BEN",)}
OPS = {"channel": ("C0OPS",)}


def entered(**fields: Any) -> Interaction:
    async def nothing(_screen: Any) -> Any:
        return None

    services: Any = SimpleNamespace(hosts=Hosts())
    return Interaction(
        person=ADA, services=services, show=nothing, tell=nothing, is_member=nothing, inputs=Inputs(**fields)
    )


def said_at(refused: pytest.ExceptionInfo[FieldErrors]) -> dict[str, str]:
    return {name: plain_english(said) for name, said in refused.value.fields.items()}


def choosing(passphrase: Any, *, apart: bool = False) -> ShareChoices:
    return ShareChoices(passphrase=passphrase, apart=apart)


@pytest.mark.parametrize(
    ("form_state", "fields", "at", "said"),
    [
        (FormState(), {"text_inputs": {"text1": Secret("")}, "pickers": BEN}, "text1", "Please type or paste what"),
        (FormState(), {"text_inputs": {"text1": Secret(" \u200b ")}, "pickers": BEN}, "text1", "There are only spaces"),
        (FormState(), {"text_inputs": TEXT, "pickers": BEN | OPS}, "channel", "Choose people or a channel, not both."),
        (
            FormState(chosen_whom=CHANNEL),
            {"text_inputs": TEXT, "pickers": {"channel": ("U0BEN",)}},
            "channel",
            "That is not a channel.",
        ),
        (
            FormState(chosen_whom=PEOPLE),
            {"text_inputs": TEXT, "pickers": {"to": tuple(f"U0{number}" for number in range(11))}},
            "to",
            "At most 10 people at a time.",
        ),
        (
            FormState(chosen_whom=CHANNEL),
            {"text_inputs": TEXT},
            "channel",
            "Choose a channel, or “Just the link” above.",
        ),
        (FormState(chosen_whom=PEOPLE), {"text_inputs": TEXT}, "to", "Choose who gets it, or “Just the link” above."),
        (
            FormState(choices=choosing(GENERATE)),
            {"text_inputs": TEXT | {"passphrase": Secret("correct horse")}, "pickers": BEN},
            "passphrase",
            "Type a passphrase or have one generated, not both.",
        ),
        (
            FormState(choices=choosing(NO_PASSPHRASE)),
            {"text_inputs": TEXT | {"passphrase": Secret("correct horse")}, "pickers": BEN},
            "passphrase",
            "To use this passphrase, choose “My own” above.",
        ),
        (
            FormState(choices=choosing(MINE)),
            {"text_inputs": TEXT, "pickers": BEN},
            "passphrase",
            "Please type the passphrase.",
        ),
        (
            FormState(choices=choosing(NO_PASSPHRASE)),
            {"text_inputs": TEXT, "pickers": BEN, "checkboxes": {"options": frozenset({"apart"})}},
            "options",
            "There is no passphrase to send",
        ),
        (
            FormState(chosen_whom=CHANNEL, choices=choosing(GENERATE, apart=True)),
            {"text_inputs": TEXT, "pickers": OPS, "checkboxes": {"options": frozenset({"apart"})}},
            "options",
            "only to people whom you choose by name",
        ),
    ],
)
def test_what_cannot_be_shared_is_said_at_its_field(form_state, fields, at, said):
    with pytest.raises(FieldErrors) as refused:
        share_spec.read(entered(**fields), form_state)

    assert [*said_at(refused)] == [at]
    assert said in said_at(refused)[at]


@pytest.mark.parametrize(
    ("username", "token", "said"),
    [
        ("", "", {"username": "Please type the e-mail address", "token": "Please paste the API token."}),
        ("ada:x@example.com", "t", {"username": "An e-mail address with a colon"}),
        (
            "ada\ue000@example.com",
            "to\ue000ken",
            {"username": "an e-mail address cannot have", "token": "copy it again"},
        ),
    ],
)
async def test_what_can_be_no_account_is_said_at_its_field_before_any_call(username, token, said):
    inputs = {"username": Secret(username), "token": Secret(token)}

    with pytest.raises(FieldErrors) as refused:
        await connect.submit(entered(text_inputs=inputs, selects={"host": "eu.onetimesecret.com"}), None)

    found = said_at(refused)
    assert found.keys() == said.keys()
    assert all(part in found[name] for name, part in said.items())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pickers": BEN}, "To send it to them, choose “Send it”."),
        ({"text_inputs": {"passphrase": Secret("correct horse")}}, "A passphrase protects what is sent."),
    ],
)
async def test_what_belongs_to_sending_is_refused_for_a_password_that_is_only_shown(fields, said):
    """In a window from before there were fewer fields, or one that has not changed yet."""
    form_state = FormState(is_generated=True, chosen_is_shown=True)
    context = ButtonContext("c" * 22, ADA, SHARE_FORM, "-", None, None, form_state.data(), clock.now())

    with pytest.raises(FieldErrors) as refused:
        await generate.generate(entered(**fields), context)

    assert said in said_at(refused)["what"]
