"""Kinds of credentials are found in texts, ordinary texts hold none, and no service is asked about what was found."""

import asyncio
import inspect
import socket
import time

import pytest
import requests
from detect_secrets.plugins.base import BasePlugin

from bot.features.make_link import credential_kinds
from bot.features.make_link.credential_kinds import find_kinds
from bot.secret import Secret
from tests.support.english import english

# The parts stand apart, so that no search for credentials in this project finds them.
EXAMPLES = {
    "an AWS key": "AKIA" + "IOSFODNN7EXAMPLE",
    "an Azure storage key": "AccountName=a;AccountKey=" + "a" * 86 + "==",
    "a GitHub token": "ghp" + "_" + "a1" * 18,
    "a GitLab token": "glpat" + "-" + "a1B2" * 5,
    "a Slack token or webhook": "xoxb" + "-123456789012-abcdefghij",
    "a Discord bot token": "M" + "a1" * 12 + ".X1x_-a." + "b1" * 13 + "c",
    "a Mailchimp key": "0123456789abcdef" * 2 + "-us" + "12",
    "an OpenAI key": "sk-" + "proj-" + "a1" * 37 + "T3Blbk" + "FJ" + "b1" * 37,
    "a Square key": "sq0" + "csp-" + "a" * 43,
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
# Other forms of the same kinds.
FORMS = [
    ("an AWS key", "aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"),
    ("an AWS key", 'aws_key = "' + "wJalrXUtnFEMI/K7MDENG/" + 'bPxRfiCYEXAMPLEKEY"'),
    ("a GitHub token", "github" + "_pat_" + "a1" * 41),
    ("a GitLab token", "glrt" + "-" + "a1B2" * 5),
    ("a Slack token or webhook", "https://hooks.slack" + ".com/services/T00000000/B00000000/" + "X" * 24),
    ("a Slack token or webhook", "https://hooks.slack" + ".com/workflows/T00000000/A00000000/" + "X" * 24),
    ("a Slack token or webhook", "xapp" + "-1-A0123456789-1234567890-" + "a1" * 32),
    ("an npm token", "//registry.npm" + "js.org/:_authToken=" + "0123456789abcdef"),
    ("a PyPI token", "pypi" + "-AgENdGVzdC5weXBpLm9yZw" + "a" * 160),
    ("a private key", "-----BEGIN ENCRYPTED " + "PRIVATE KEY-----"),
    ("a private key", "PuTTY-User-Key-" + "File-3: ssh-ed25519"),
    ("a private key", "-----BEGIN PGP " + "PRIVATE KEY BLOCK-----"),
    ("an address with a password", "redis://:" + "hunter2@cache.example.com"),
    ("an address with a password", "postgres://app:" + "hunter2!$@db.example.com/app"),
]
ORDINARY = [
    "Can you send me the password, please?",
    "The token is in the vault.",
    "https://eu.onetimesecret.com/secret/abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "123e4567-e89b-12d3-a456-426614174000 at 2026-11-27T05:17:30Z",
    "Meeting at 10:30 with ben@example.com, agenda: secrets: none",
    "AKIA is a prefix, and eyJ another.",
    "APARTMENTSFORRENT, ASIAPACIFIC and Académie: AKCENTS",
    "Deploy 20261127:12 to 203.0.113.7:8443, image sha256:" + "0123456789abcdef" * 4,
    "<https://example.com/a/b?x=1&y=2#part|the page> and https://ben@example.com/repo.git",
    "key = hash(value)  # a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6a7b8c9d0e1f2",
    'const id = "3f786850e387550fdab836ed7e6dc881de23001b"; import { secret } from "x";',
    "def reset(password): return hash_of(password, rounds=12)",
    "T0123456789 C0123456789 1732704000.123456 1234567890",
    "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw in Base64",
]


async def kinds_of(text):
    return [english(one) for one in await find_kinds(Secret(text))]


@pytest.mark.parametrize(("kind", "text"), [*EXAMPLES.items(), *FORMS])
async def test_a_credential_is_called_by_its_kind(kind, text):
    assert kind in await kinds_of(f"here: {text} thanks")


def test_each_kind_has_an_example():
    assert {english(kind) for kind, _ in credential_kinds._KINDS} == set(EXAMPLES)


async def test_several_are_named_once_each():
    text = f"{EXAMPLES['a Google key']} {EXAMPLES['a Google key']}\n{EXAMPLES['a private key']}"

    assert await kinds_of(text) == ["a Google key", "a private key"]


@pytest.mark.parametrize(
    "text",
    ["DB_PASSWORD=hunter2!", "POSTGRES_PASSWORD: hunter2", "client_secret=abcd1234", "'api-key': 'abcd1234'",
     "access_token: abcd1234", "SECRET_KEY_BASE=abcd1234", "Passwort: hunter2"],
)  # fmt: skip
async def test_a_setting_is_a_password(text):
    assert await kinds_of(text) == ["a password"]


@pytest.mark.parametrize("text", ORDINARY)
async def test_an_ordinary_text_holds_none(text):
    assert await kinds_of(text) == []


async def test_no_service_is_asked_about_what_was_found(monkeypatch):
    """Neither a socket is opened, nor requests called, nor `verify` of a detector."""
    asked = []

    def refuse(*args, **kwargs):
        asked.append(args)
        raise AssertionError("asked")

    await asyncio.to_thread(lambda: None)  # the loop and its threads are there
    for owner, name in [(requests.Session, "request"), (requests.Session, "send"), (requests, "get"),
                        (requests, "post"), (socket, "socket"), (socket, "create_connection"),
                        (socket, "getaddrinfo")]:  # fmt: skip
        monkeypatch.setattr(owner, name, refuse)
    for detector in {type(one) for _, detectors in credential_kinds._KINDS for one in detectors} | {BasePlugin}:
        monkeypatch.setattr(detector, "verify", refuse)
        monkeypatch.setattr(detector, "analyze_line", refuse)

    found = await kinds_of("\n".join([*EXAMPLES.values(), *(text for _, text in FORMS)]))

    assert set(found) == set(EXAMPLES)
    assert asked == []


def test_every_detector_searches_by_patterns_alone():
    """`analyze_string` of the base class runs regular expressions and nothing else."""
    for _, detectors in credential_kinds._KINDS:
        for detector in detectors:
            assert inspect.getmodule(type(detector).analyze_string).__name__ == "detect_secrets.plugins.base"


HOSTILE = [
    "eyJ-", "eyJaaaaaaaaaa.eyJ", "aws ", "aws key ", "aws token ", "a" * 50, "a://", "://:", "://a:", "glpat-",
    "glagent-", "1" * 9 + ":", "//", "//a/:_authToken=", "sk-", "sk-a", "secret", "'secret", 'password: "', "xoxb-1-",
    "1-", "SG.a", "N" + "a" * 23, "-----BEGIN ", "https://hooks.slack.com/services/T", "npm_", "AIza", "AC", "0a",
]  # fmt: skip


@pytest.mark.parametrize("repeated", HOSTILE)
@pytest.mark.parametrize("between", ["", "\n"])
def test_no_text_makes_the_search_slow(monkeypatch, repeated, between):
    monkeypatch.setattr(credential_kinds, "MAX_TEXT", 100_000)
    text = Secret(((repeated + between) * 100_000)[:100_000])
    started = time.process_time()

    credential_kinds._find_kinds(text)

    assert time.process_time() - started < 1.0


async def test_the_loop_runs_while_a_long_text_is_searched(monkeypatch):
    started, may_end = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def search(text):
        loop.call_soon_threadsafe(started.set)
        return asyncio.run_coroutine_threadsafe(may_end.wait(), loop).result(10) and ()

    monkeypatch.setattr(credential_kinds, "_find_kinds", search)
    found = asyncio.create_task(find_kinds(Secret("a")))

    await asyncio.wait_for(started.wait(), 10)
    may_end.set()

    assert await found == ()
