"""A Secret never shows."""

import copy
import dataclasses
import json
import pickle
import re
import traceback
from pathlib import Path

import pytest

from bot.secret import MetadataKey, Secret, SecretKey
from tests.support.rows import each_row

CANARY = "canary-5f1e"

# Where a secret may be unwrapped, and why. Anything else has to hand the Secret on.
MAY_REVEAL = {
    "bot/secret.py": "defines it",
    "bot/onetime/wire/requests.py": "puts keys, tokens and passphrases into the request that must carry them",
    "bot/onetime/wire/recipients.py": "checks an e-mail address, and compares it with what a server says of it",
    "bot/onetime/wire/metadata.py": "fingerprints a secret key, to find it in a list",
    "bot/features/make_link/credential_kinds.py": "looks for the form of a credential in a message's text",
    "bot/onetime/links.py": "builds the link that a person asked for, and reads one that was posted",
    "bot/onetime/client.py": "sends that request",
    "bot/storage/sealing/sealer.py": "seals it",
    "bot/storage/engine/location.py": "reads the database's URL",
    "bot/storage/sealing/keyring.py": "reads the keys",
    "bot/screen/long.py": "cuts a long secret into pages",
    "bot/slack/blocks.py": "draws it in the modal that shows it",
    "bot/storage/accounts.py": "hashes the user name of an account that is tried",
    "bot/slack/web.py": "gives slack_sdk its token, posts to a response_url, and names the links that get a card",
    "bot/slack/workspaces.py": "reads the id of the app in its app token",
    "bot/slack/installing.py": "gives Bolt the client secret, and the first call its new token",
    "bot/slack/diagnosis.py": "gives the doctor's call its token",
    "bot/slack/token_facts.py": "sees the kind of a token by its beginning",
    "bot/storage/sealing/key_command.py": "runs the command that prints the keys",
    "bot/storage/sealing/key_file.py": "writes a new key to the key file",
    "bot/slack/signature.py": "checks signatures with the signing secret",
    "bot/interaction/passphrases.py": "finds other forms of a passphrase that was refused",
    "bot/slack/socket.py": "connects to the address that has the ticket in it",
    "bot/proxy.py": "reads the proxy's user and password",
    "bot/interaction/parsed_text.py": "reads links and notes that were typed into fields",
}


@each_row("kind", [Secret, SecretKey, MetadataKey])
@each_row(
    "show",
    [repr, str, "{}".format, "{!r}".format, "%s".__mod__, lambda s: f"{s:>40}", lambda s: repr([s, {"k": s}])],
    ids=["repr", "str", "format", "format-repr", "percent", "f-string", "nested"],
)
def test_no_way_of_printing_shows_it(kind, show):
    assert CANARY not in show(kind(CANARY))


@pytest.mark.parametrize("store", [pickle.dumps, json.dumps, vars], ids=["pickle", "json", "vars"])
def test_it_cannot_be_stored_by_accident(store):
    with pytest.raises(TypeError):
        store(Secret(CANARY))


def test_a_dataclass_that_holds_it_does_not_show_it():
    @dataclasses.dataclass
    class Holder:
        token: Secret

    holder = Holder(Secret(CANARY))

    assert CANARY not in repr(holder)
    assert CANARY not in repr(dataclasses.asdict(holder))


def test_a_traceback_with_locals_does_not_show_it():
    def fail(token):
        raise ValueError(token)

    try:
        fail(Secret(CANARY))
    except ValueError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    assert CANARY not in shown


def test_copies_are_the_thing_itself():
    secret = Secret(CANARY)

    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


ODD = "half a pair: \ud83d, and a NUL: \0"


def test_it_can_be_measured_searched_joined_and_cut_without_being_shown():
    secret = SecretKey("  päss\t")

    assert (len(secret), secret.size, bool(secret), bool(Secret(""))) == (7, 8, True, False)
    assert ("ss" in secret, "SS" in secret) == (True, False)
    assert (Secret("a b").is_printable(), secret.is_printable()) == (True, False)
    assert secret.strip() == SecretKey("päss")
    assert secret.as_kind(MetadataKey) == MetadataKey("  päss\t")
    assert SecretKey.join([Secret("a"), secret, Secret("b")]) == SecretKey("a  päss\tb")
    assert Secret(ODD).size == len(ODD) + 2


@pytest.mark.parametrize("kind", [Secret, SecretKey, MetadataKey])
def test_it_shows_as_one_word(kind):
    assert {repr(kind(CANARY)), str(kind(CANARY)), f"{kind(CANARY):>40}"} == {"[hidden]"}


def test_any_text_can_be_compared_and_hashed():
    assert Secret(ODD) == Secret(ODD)
    assert Secret(ODD) != Secret("ö")
    assert len({Secret(ODD), Secret(ODD), SecretKey(ODD), MetadataKey(ODD)}) == 3


def test_kinds_are_not_equal_to_each_other():
    assert SecretKey("k" * 31) != MetadataKey("k" * 31)
    assert Secret("a") == Secret("a")
    assert Secret("a") != "a"


def test_it_is_unwrapped_only_where_that_is_its_purpose():
    root = Path(__file__).parents[2]
    places = {
        str(path.relative_to(root))
        for path in (root / "bot").rglob("*.py")
        if re.search(r"\.reveal\(\)", path.read_text()) and "sandbox" not in path.parts
    }

    assert places - MAY_REVEAL.keys() == set()
    assert MAY_REVEAL.keys() - places == set()
