"""The list of everything the bot can do: no name twice, nobody's handler unguarded, no button that leads nowhere."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

from bot.features import FEATURES, Registry
from bot.features.link import looks_like_one
from bot.interaction import owners
from bot.interaction.feature import Feature, Handler, Kind, Verb
from bot.interaction.owners import (
    any_member,
    own_account,
    own_delivery,
    own_request,
    own_reveal,
    own_share,
    own_tracked,
    received_delivery,
    received_request,
)
from bot.screen.parts import Message
from bot.slack import blocks
from tests.support.rows import each_row

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"[a-z_]+")

# What anybody who is a member may do, because it touches nothing that was stored before. Whoever adds a name here
# has made sure of that; everything else has to load its row for the very person that asks.
FOR_ANY_MEMBER = {
    "/ots accounts",
    "/ots burn",
    "/ots connect",
    "/ots disconnect",
    "/ots generate",
    "/ots metadata",
    "/ots recent",
    "/ots request",
    "/ots retrieve",
    "/ots settings",
    "/ots share",
    "/ots track",
    "/ots tracked",
    "/ots untrack",
    "/ots watch",
    "/ots LINK",
    "action connect_open",
    "form connect",
    "form request",
    "form retrieve_link",
    "form settings",
}


OWNERS = (
    own_account,
    own_reveal,
    own_tracked,
    own_request,
    received_request,
    own_share,
    own_delivery,
    received_delivery,
)


def everything():
    """Every handler there is, by the words that a person would use for it."""

    def words(kind, name):
        if kind is Kind.COMMAND:
            return "/ots LINK" if name == "link" else f"/ots {name}"
        return f"{kind} {name}"

    return {words(*key): handler for key, handler in Registry().handlers.items()}


async def _nothing(_call, _row):
    return None


HANDLER = Handler(_nothing, any_member)


# --- names


@pytest.mark.parametrize(
    "second",
    [
        Feature("b", verbs=(Verb("one", "", handler=HANDLER),)),
        Feature("b", verbs=(Verb("two", "", aliases=("one",), handler=HANDLER),)),
        Feature("b", verbs=(Verb("uno", "", handler=HANDLER),)),
        Feature("b", handlers={Kind.COMMAND: {"one": HANDLER}}),
        *(Feature("b", handlers={kind: {"same": HANDLER}}) for kind in Kind),
    ],
    ids=["verb", "alias like a verb", "verb like an alias", "verb in the handlers", *Kind],
)
def test_a_name_that_two_features_claim_is_refused(second):
    first = Feature(
        "a",
        verbs=(Verb("one", "", aliases=("uno",), handler=HANDLER),),
        handlers={kind: {"same": HANDLER} for kind in Kind},
    )

    with pytest.raises(ValueError, match="claimed twice"):
        Registry((first, second))


def test_names_are_plain_words():
    names = {name.split(" ", 1)[1] for name in everything()} - {"LINK"}

    assert [name for name in names if not NAME.fullmatch(name)] == []


# --- command lines


@each_row("verb", Registry().verbs, ids=lambda verb: verb.name)
def test_a_verb_and_its_aliases_are_found_however_they_are_typed(verb):
    registry = Registry()

    for word in (verb.name, *verb.aliases):
        assert registry.read(word) == (verb, "")
        assert registry.read(f"  {word.upper()}   what stands behind  ") == (verb, "what stands behind")


@pytest.mark.parametrize("text", ["", "   ", "help"])
def test_nothing_is_help(text):
    verb, rest = Registry().read(text)

    assert verb is not None
    assert (verb.name, rest) == ("help", "")


def test_what_is_no_verb_stays_whole():
    assert Registry().read(" hunter2 and more ") == (None, "hunter2 and more")


@each_row("word", [word for verb in Registry().verbs for word in (verb.name, *verb.aliases)])
def test_no_verb_is_taken_for_a_link(word):
    assert not looks_like_one(word)


@each_row("verb", Registry().verbs, ids=lambda verb: verb.name)
def test_a_verb_has_a_handler_or_words_and_never_both(verb):
    assert (verb.handler is None) != (verb.words is None)
    assert verb.does


def test_words_touch_nothing():
    """They run before anybody is asked for permission, so they get the list of verbs and nothing to call."""
    registry = Registry()

    for verb in registry.verbs:
        if verb.words is not None:
            assert not inspect.iscoroutinefunction(verb.words)
            assert list(inspect.signature(verb.words).parameters) == ["verbs"]
            said = verb.words(registry.verbs)
            assert isinstance(said, Message)
            assert said == verb.words(registry.verbs)
            assert "ref:" not in str(blocks.message(said))


# --- authorization


def test_a_handler_cannot_be_made_without_saying_who_owns_its_row():
    with pytest.raises(TypeError, match="owns"):
        Handler(_nothing)  # type: ignore[call-arg]


@each_row(("name", "handler"), everything().items(), ids=everything())
def test_whoever_asks_is_checked_for_every_single_handler(name, handler):
    """A check that this test does not know fails it, so that a new one is looked at."""
    loads_a_row = handler.owns in OWNERS or (
        getattr(handler.owns, "__qualname__", "") == "own_button_context.<locals>.load"
        and handler.owns.__module__ == owners.__name__
    )

    assert loads_a_row != (handler.owns is any_member)
    assert (name in FOR_ANY_MEMBER) == (handler.owns is any_member)


@each_row(("name", "handler"), everything().items(), ids=everything())
def test_every_handler_is_for_members(name, handler):
    """An exception is an event that no person causes. Add its name here after a look at what it does."""
    assert handler.needs_member, name


@each_row(("name", "handler"), everything().items(), ids=everything())
def test_a_handler_that_takes_a_row_is_given_it_by_its_owner_check(name, handler):
    _call, row = inspect.signature(handler.run).parameters.values()

    assert (row.annotation == "None") == (handler.owns is any_member), name


def test_the_list_for_any_member_has_no_name_that_is_gone():
    assert FOR_ANY_MEMBER - everything().keys() == set()


# --- what screens lead to


def _calls(name):
    """Every call of `name` in the bot: its module, the function or class around it, and the call."""
    for path in (ROOT / "bot").rglob("*.py"):
        if "sandbox" in path.parts:
            continue
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for around in ast.parse(path.read_text()).body:
            for node in ast.walk(around):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in (name, f"{name}.of"):
                    yield module, around, node


def _argument(node, position, name):
    if len(node.args) > position:
        return node.args[position]
    return next((one.value for one in node.keywords if one.arg == name), None)


def _values(module, around, node):
    """What an argument can be: the constant, the module's own, or any name-like word in the code around it."""
    if isinstance(node, ast.Constant):
        return {node.value}
    try:
        return {eval(ast.unparse(node), vars(importlib.import_module(module)))}
    except NameError:
        words = (one.value for one in ast.walk(around) if isinstance(one, ast.Constant))
        return {word for word in words if isinstance(word, str) and re.fullmatch(r"[a-z]+(_[a-z]+)+", word)}


def _actions_of_buttons():
    return set().union(*(_values(module, around, _argument(node, 1, "action"))
                         for module, around, node in _calls("Button")))  # fmt: skip


def _forms(*, with_keyword):
    """The forms of windows for which `submit` (or `notify_on_close`) is given."""
    found = set()
    for module, around, node in _calls("Modal"):
        if module != "bot.slack.answers" and any(one.arg == with_keyword for one in node.keywords):
            found |= _values(module, around, _argument(node, 0, "form"))
    return found


def test_every_button_leads_to_a_handler_and_every_handler_has_a_button():
    assert _actions_of_buttons() == Registry().names(Kind.ACTION)


def test_every_window_with_a_submit_button_leads_to_a_handler_and_every_handler_has_a_window():
    assert _forms(with_keyword="submit") == Registry().names(Kind.FORM)


def test_a_window_that_tells_when_it_is_closed_leads_to_a_handler():
    assert _forms(with_keyword="notify_on_close") == Registry().names(Kind.CLOSED)


def test_every_feature_is_in_the_list():
    files = {path.stem for path in (ROOT / "bot" / "features").glob("*") if not path.name.startswith("_")}

    assert {one.name for one in FEATURES} == files
