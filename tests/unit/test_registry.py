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
from bot.interaction.commands import RUN
from bot.interaction.feature import Feature, Handler, Kind, Verb
from bot.interaction.owners import (
    any_member,
    anybody,
    card_in_workspace,
    own_account,
    own_delivery,
    own_execution,
    own_names,
    own_request,
    own_reveal,
    own_reveal_window,
    own_share,
    own_tracked,
    received_delivery,
    received_request,
)
from bot.language import Language
from bot.screen.parts import Message
from bot.screen.pieces import say
from bot.slack import blocks
from tests.support.rows import each_row

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"[a-z_]+")
ONLY_IN_EARLIER_MESSAGES = {("bot.status.buttons", "TRACKED_LIST_BURN")}  # which people still click
OF_LINK_BUTTONS = {("bot.screen.parts", "OPEN_URL")}  # bot/slack/blocks.py draws it on each of them
RUNS_A_VERB = {("bot.interaction.commands", "RUN")}  # the buttons of all verbs; the registry makes their handlers

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
    "action activity_open",
    "action connect_open",
    "action erase_me",
    "action open_url",
    "action left_open",  # Slack is asked afresh who is an admin
    "action policy_open",
    "form connect",
    "form policy",
    "form request",
    "form retrieve_link",
    "form settings",
    "message_shortcut check_link",
    "message_shortcut make_link",
    "shortcut open_link",
    "shortcut request_secret",
    "shortcut share_secret",
}


# What also guests and strangers cause: it shows them nothing but that the app is not for them, or what everybody sees.
# Events about a workspace or a person that leave come by themselves, and show nobody anything.
FOR_ANYBODY = {
    "event app_home_opened", "event app_uninstalled", "event link_shared", "event tokens_revoked", "event user_change",
}  # fmt: skip
# Slack waits for how it ends, so the step itself refuses who is no member. Its own row is its record.
OF_WORKFLOWS = {"function request_secret"}
UNRECORDED = {"event link_shared", "event user_change", *OF_WORKFLOWS}

POSITIONS = {"Button": 1, "MenuItem": 1, "Choice": 4}  # of the action among the arguments

OWNERS = (
    own_account,
    own_names,
    own_reveal,
    own_reveal_window,
    own_tracked,
    own_execution,
    own_request,
    received_request,
    own_share,
    own_delivery,
    received_delivery,
    card_in_workspace,
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
NOTHING = say("does nothing")


# --- names


@pytest.mark.parametrize(
    "second",
    [
        Feature("b", verbs=(Verb("one", NOTHING, handler=HANDLER),)),
        Feature("b", verbs=(Verb("two", NOTHING, aliases=("one",), handler=HANDLER),)),
        Feature("b", verbs=(Verb("uno", NOTHING, handler=HANDLER),)),
        Feature("b", handlers={Kind.COMMAND: {"one": HANDLER}}),
        *(Feature("b", handlers={kind: {"same": HANDLER}}) for kind in Kind),
    ],
    ids=["verb", "alias like a verb", "verb like an alias", "verb in the handlers", *Kind],
)
def test_a_name_that_two_features_claim_is_refused(second):
    first = Feature(
        "a",
        verbs=(Verb("one", NOTHING, aliases=("uno",), handler=HANDLER),),
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


@pytest.mark.parametrize("text", ["", "   ", "start"])
def test_nothing_is_start(text):
    verb, rest = Registry().read(text)

    assert verb is not None
    assert (verb.name, rest) == ("start", "")


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
            assert [name.lstrip("_") for name in inspect.signature(verb.words).parameters] == ["verbs"]
            said = verb.words(registry.verbs)
            assert isinstance(said, Message)
            assert said == verb.words(registry.verbs)
            assert "ref:" not in str(blocks.message(said, Language.EN))


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

    assert loads_a_row != (handler.owns in (any_member, anybody))
    assert (name in FOR_ANYBODY) == (handler.owns is anybody)
    assert (name in FOR_ANY_MEMBER) == (handler.owns is any_member)


@each_row(("name", "handler"), everything().items(), ids=everything())
def test_every_handler_is_for_members(name, handler):
    """Exceptions are in FOR_ANYBODY and OF_WORKFLOWS, after a look at what they do."""
    assert handler.needs_member == (name not in FOR_ANYBODY | OF_WORKFLOWS), name


@each_row(("name", "handler"), everything().items(), ids=everything())
def test_every_act_of_a_person_is_recorded(name, handler):
    """So that it has one effect, and an answer. A second delivery of these events has no effect anyhow."""
    assert handler.is_recorded != (name in UNRECORDED), name


@each_row(("name", "handler"), everything().items(), ids=everything())
def test_a_handler_that_takes_a_row_is_given_it_by_its_owner_check(name, handler):
    _call, row = inspect.signature(handler.run).parameters.values()

    assert (row.annotation == "None") == (handler.owns in (any_member, anybody)), name


@each_row("verb", Registry().verbs, ids=lambda verb: verb.name)
def test_a_verb_uses_no_stored_row_since_a_button_runs_it_with_none(verb):
    assert verb.handler is None or verb.handler.owns is any_member


def test_the_list_for_any_member_has_no_name_that_is_gone():
    assert (FOR_ANY_MEMBER | FOR_ANYBODY) - everything().keys() == set()


# --- what screens lead to. A name is found by its constant: whoever draws and whoever handles use the same one


def _modules(folder):
    """The name of every module in the folder, and its syntax tree."""
    for path in folder.rglob("*.py"):
        if "sandbox" not in path.relative_to(ROOT).parts:
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield module, ast.parse(path.read_text())


def _constants(module, node):
    """The constants that an argument may be, each as the module that defines it and its name."""
    match node:
        case ast.BinOp(left=ast.Name("RUN")):  # the name of a verb follows
            return _constants(module, node.left)
        case ast.Constant():
            return {(module, f"the literal {node.value!r}")}
        case ast.IfExp():
            return _constants(module, node.body) | _constants(module, node.orelse)
        case ast.Attribute():
            return _constants(
                vars(importlib.import_module(module))[ast.unparse(node.value)].__name__, ast.Name(node.attr)
            )
    for one in ast.parse(inspect.getsource(importlib.import_module(module))).body:
        if isinstance(one, ast.ImportFrom) and node.id in {name.name for name in one.names}:
            return _constants(one.module, node)
    return {(module, node.id)}


def _drawn(part, argument, *, where=None):
    """The constants that all calls of `part` have as this argument, of calls with the keyword `where` if given."""
    found = set()
    for module, tree in _modules(ROOT / "bot"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (part, f"{part}.of"):
                keywords = {one.arg: one.value for one in node.keywords}
                position = POSITIONS.get(part, 0)
                named = node.args[position] if len(node.args) > position else keywords.get(argument)
                if named is None:  # a menu whose choice is read when its form is submitted
                    assert part == "Choice"
                    continue
                is_copy = ast.unparse(named) == "form.form"  # a window that is drawn again, with errors
                if (where is None or where in keywords) and not is_copy:
                    found |= _constants(module, named)
    return found


def _handled(kind):
    """The constants that name the handlers of this kind."""
    found = set()
    for module, tree in _modules(ROOT / "bot" / "features"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(value, ast.Dict) and key is not None and ast.unparse(key) == f"Kind.{kind.name}":
                        found |= set().union(*(_constants(module, one) for one in value.keys if one))
    return found


def _values(constants):
    return {getattr(importlib.import_module(module), name) for module, name in constants}


def test_every_button_leads_to_a_handler_and_every_handler_has_a_button():
    drawn = _drawn("Button", "action") | _drawn("MenuItem", "action") | _drawn("Choice", "action") | OF_LINK_BUTTONS

    assert drawn | ONLY_IN_EARLIER_MESSAGES == _handled(Kind.ACTION) | RUNS_A_VERB


def test_a_button_that_runs_a_verb_names_one_of_the_registry():
    """Where the verb is not written out, it comes from the registry, or from a caller that is found here too."""
    places = {"command_button": 1, "go_on_button": 2, "read_command": 1}
    calls = [node for _module, tree in _modules(ROOT / "bot") for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [
        node.args[place] for node in calls
        if (place := places.get(ast.unparse(node.func))) and len(node.args) > place
    ]  # fmt: skip
    written = [str(one.value) for one in named if isinstance(one, ast.Constant)]

    assert written
    assert [verb for verb in written if Registry().find(Kind.ACTION, RUN + verb) is None] == []


def test_every_window_with_a_submit_button_leads_to_a_handler_and_every_handler_has_a_window():
    assert _drawn("Modal", "form", where="submit") == _handled(Kind.FORM)


def test_a_window_that_tells_when_it_is_closed_leads_to_a_handler():
    assert _drawn("Modal", "form", where="notify_on_close") == _handled(Kind.CLOSED)


@pytest.mark.parametrize("kind", [Kind.ACTION, Kind.FORM, Kind.CLOSED])
def test_the_constants_are_the_names_that_the_registry_knows(kind):
    runs = {RUN + verb.name for verb in Registry().verbs} if kind is Kind.ACTION else set()

    assert _values(_handled(kind)) | runs == Registry().names(kind)


def test_no_window_has_its_name_as_a_literal():
    assert [where for where in _drawn("Modal", "form") if "the literal" in where[1]] == []


def test_every_feature_is_in_the_list():
    files = {path.stem for path in (ROOT / "bot" / "features").glob("*") if not path.name.startswith("_")}

    assert {one.name for one in FEATURES} == files
