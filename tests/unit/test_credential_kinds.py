"""Kinds of credentials are found in texts, and ordinary texts hold none."""

import time

import pytest

from bot.features.make_link.credential_kinds import find_kinds
from bot.secret import Secret
from tests.support.english import english

# The parts stand apart, so that no search for credentials in this project finds them.
EXAMPLES = {
    "an AWS access key": "AKIA" + "IOSFODNN7EXAMPLE",
    "an AWS secret key": "aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY",
    "an Azure storage key": "AccountName=a;AccountKey=" + "a" * 86 + "==",
    "a GitHub token": "ghp" + "_" + "a1" * 18,
    "a GitLab token": "glpat" + "-" + "a1B2" * 5,
    "a Slack token": "xoxb" + "-123456789012-abcdefghij",
    "a Slack webhook": "https://hooks.slack" + ".com/services/T00000000/B00000000/" + "X" * 24,
    "a Google key": "AIza" + "Sy" + "a" * 33,
    "a Stripe key": "sk_live" + "_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "a SendGrid key": "SG." + "a" * 22 + "." + "b" * 43,
    "a Twilio key": "SK" + "0123456789abcdef" * 2,
    "a Telegram bot token": "110201543:" + "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
    "an npm token": "npm" + "_" + "a1B2c3" * 6,
    "a PyPI token": "pypi" + "-AgEIcHlwaS5vcmc" + "a" * 50,
    "a JSON Web Token": "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0NSJ9" + "." + "d" * 43,
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE",
    "an address with a password": "postgres://app:" + "hunter2hunter2" + "@db.example.com/app",
    "a password": "Password: " + "hunter2!",
}
ORDINARY = [
    "Can you send me the password, please?",
    "The token is in the vault.",
    "https://eu.onetimesecret.com/secret/abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "123e4567-e89b-12d3-a456-426614174000 at 2026-11-27T05:17:30Z",
    "Meeting at 10:30 with ben@example.com, agenda: secrets: none",
    "AKIA is a prefix, and eyJ another.",
]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_credential_is_called_by_its_kind(kind):
    found = [english(one) for one in find_kinds(Secret(f"here: {EXAMPLES[kind]} thanks"))]

    assert kind in found


def test_several_are_named_once_each():
    text = f"{EXAMPLES['a Google key']} {EXAMPLES['a Google key']}\n{EXAMPLES['a private key']}"

    assert [english(one) for one in find_kinds(Secret(text))] == ["a Google key", "a private key"]


@pytest.mark.parametrize(
    "text",
    ["DB_PASSWORD=hunter2!", "POSTGRES_PASSWORD: hunter2", "client_secret=abcd1234", "'api-key': 'abcd1234'",
     "access_token: abcd1234", "SECRET_KEY_BASE=abcd1234", "Passwort: hunter2"],
)  # fmt: skip
def test_a_setting_is_a_password(text):
    assert [english(one) for one in find_kinds(Secret(text))] == ["a password"]


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_text_holds_none(text):
    assert find_kinds(Secret(text)) == ()


@pytest.mark.parametrize(
    "repeated", ["eyJ-", "eyJaaaaaaaaaa.eyJ", "aws key ", "a" * 50, "a://", "://:", "glpat-", "1" * 9 + ":"]
)
def test_no_text_makes_the_search_slow(repeated):
    text = Secret((repeated * 40_000)[:40_000])
    started = time.process_time()

    find_kinds(text)

    assert time.process_time() - started < 1.0
