"""What can be done about an account is offered where it is shown."""

import json
from datetime import UTC, datetime

import pytest

from bot.language import Language
from bot.person import Person
from bot.screen.parts import Message
from bot.screen.pieces import Mark
from bot.secret import Secret
from bot.slack import blocks
from bot.status.account_card import account_parts
from bot.storage.accounts import Account


@pytest.mark.parametrize(
    ("is_readable", "is_refused", "offered"), [(True, False, False), (False, False, True), (True, True, True)]
)
def test_an_account_that_cannot_be_used_can_be_connected_again(is_readable, is_refused, offered):
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    ada, host = Person(None, "T1", "U0ADA"), "https://eu.onetimesecret.com"
    account = Account("a" * 22, ada, host, Secret("x"), Secret("x"), True, noon, is_readable)

    message = Message.of(Mark("accounts"), *account_parts(account, is_refused=is_refused))

    assert ("Reconnect" in json.dumps(blocks.message(message, Language.EN))) == offered
