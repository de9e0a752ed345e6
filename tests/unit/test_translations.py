"""The texts in the code and their translations agree, and no text for people stands outside of the catalogues.

mypy refuses a plain `str` where a text belongs. What it does not see is found here in the syntax of the code.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from bot.language import Language, read_language
from bot.screen import localization
from bot.screen.pieces import say, say_count, say_in
from tests.support.rows import each_row
from tests.translations import BOT, extract, read, texts, untranslated

OTHERS = [language for language in Language if language is not Language.EN]
PLACEHOLDER = re.compile(r"\{[^}]*\}")
NAMED = re.compile(r"\{[a-z_]+\}")
COMMAND = re.compile(r"/ots(?: [a-z]+\b)?")


@pytest.fixture(scope="module")
def template() -> Catalog:
    return extract()


def keys(catalog: Catalog) -> set[object]:
    return {(message.id, message.context) for message in texts(catalog)}


def both(message: Message) -> Iterator[tuple[str, str]]:
    """Each translation of a text, with the English text that it stands for: of several forms, the last is the plural."""
    if isinstance(message.id, tuple):
        one, many = message.id
        for number, form in enumerate(message.string or ()):
            yield many if number else one, form
    else:
        yield str(message.id), str(message.string or "")


def translations(language: Language) -> list[tuple[str, str]]:
    """(English, translated) for all that is translated."""
    return [pair for message in texts(read(language)) for pair in both(message) if pair[1]]


# --- the catalogues


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_has_exactly_the_texts_of_the_code(template, language):
    """If this fails: `python -m tests.translations`."""
    assert keys(read(language)) == keys(template)


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated_in_all_its_plural_forms(language):
    assert untranslated(language) == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_the_plural_forms_that_it_needs(language):
    catalog = read(language)

    assert {len(message.string or ()) for message in texts(catalog) if message.pluralizable} == {catalog.num_plurals}


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_placeholders_of_its_text(language):
    wrong = [
        (text, said) for text, said in translations(language) if set(PLACEHOLDER.findall(text)) != placeholders(said)
    ]

    assert wrong == []


def placeholders(said: object) -> set[str]:
    return set(PLACEHOLDER.findall(str(said)))


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_markup_of_its_text(language):
    assert [
        (text, said)
        for text, said in translations(language)
        if any(text.count(mark) != said.count(mark) for mark in "*`")
    ] == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_typed_after_the_command_stays_english(language):
    assert [
        (text, said)
        for text, said in translations(language)
        if sorted(COMMAND.findall(text)) != sorted(COMMAND.findall(said))
    ] == []


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_says_everything_twice(language):
    """As happens where two branches brought the same translation."""
    assert [
        said for _text, said in translations(language) if len(said) > 6 and said[: len(said) // 2] * 2 == said
    ] == []


def test_french_has_its_own_typography():
    """No-break spaces before `: ; ? !` and inside « », and ’ as the apostrophe."""
    breakable = re.compile(r" [:;?!»]|« |'|[\w}*)]»|«[\w{]")

    assert [said for _text, said in translations(Language.FR) if breakable.search(said)] == []


def test_french_says_de_after_millions():
    """The form for many has “de” before what is counted: 1 000 000 de secrets."""
    counted = [forms[1] for forms in plural_forms(Language.FR)]

    assert [said for said in counted if not re.search(r"\{count\} (?:de |d’)", said)] == []


def plural_forms(language: Language) -> list[tuple[str, ...]]:
    return [tuple(message.string or ()) for message in texts(read(language)) if message.pluralizable]


def test_only_named_placeholders_are_used(template):
    assert [
        message.id
        for message in texts(template)
        if PLACEHOLDER.sub("", str(message.id)).strip("()',") != NAMED.sub("", str(message.id)).strip("()',")
    ] == []


# --- the code


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(BOT.rglob("*.py")):
        if "sandbox" in path.parts or path == BOT / "screen" / "pieces.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield f"{path.relative_to(BOT.parent)}:{node.lineno}", node


# How many texts each function takes, before the values of the placeholders.
TEXTS = {"say": 1, "say_count": 2, "say_in": 2}


def find_wrong_texts(at: str, call: ast.Call) -> list[str]:
    """What is wrong with a call that makes a text."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name not in TEXTS:
        return []
    written = call.args[: TEXTS[name]]
    if not all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in written):
        return [f"{at}: a text is not written out"]
    given = {f"{{{keyword.arg}}}" for keyword in call.keywords} | ({"{count}"} if name == "say_count" else set())
    said = written[1:] if name == "say_in" else written
    return [
        f"{at}: {sorted(placeholders(one.value) ^ given)} in {one.value!r}"
        for one in said
        if isinstance(one, ast.Constant) and placeholders(one.value) != given
    ]


def test_every_text_is_written_out_and_gets_exactly_its_values():
    assert [wrong for at, call in calls() for wrong in find_wrong_texts(at, call)] == []


WITHOUT_WORDS = re.compile(r":[a-z_]+:|/ots [a-z-]+|\bon\|off\b|\[new\|.*\]|https://\S+")
PROPER_NAMES = {"Onetime Secret"}


def find_hidden_text(at: str, call: ast.Call) -> list[str]:
    """Words of ours that were put into a type for what is no words, or for what people wrote."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name not in {"Mark", "Plain", "HostName"}:
        return []
    constants = [
        node.value
        for one in call.args[:1]
        for node in ast.walk(one)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [
        f"{at}: {text!r}"
        for text in constants
        if re.search(r"[A-Za-z]{2}", WITHOUT_WORDS.sub("", text)) and text not in PROPER_NAMES
    ]


def test_no_words_are_hidden_in_a_type_for_something_else():
    allowed = {"/ots ", "unknown"}  # the command before a verb; a code of Slack's
    found = [hidden for at, call in calls() for hidden in find_hidden_text(at, call)]

    assert [one for one in found if ast.literal_eval(one.split(": ", 1)[1]) not in allowed] == []


@each_row(
    ("code", "finds"),
    [
        ('say(f"You have {count}")', "not written out"),
        ("say(NAME)", "not written out"),
        ('say("Hello {name}")', "{name}"),
        ('say("Hello", name=name)', "{name}"),
        ('say_count("a secret", "{count} secrets", n)', "{count}"),
        ('say_in("the verb", "Open {what}")', "{what}"),
    ],
)
def test_a_wrong_text_is_found(code: str, finds: str) -> None:
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)

    (found,) = find_wrong_texts("here", call)

    assert finds in found


@each_row("code", ['Mark("Opened by")', 'Plain("Please wait")', 'Mark(f":key: your {name}")', 'HostName("the host")'])
def test_hidden_words_are_found(code: str) -> None:
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)

    assert len(find_hidden_text("here", call)) >= 1


# --- what a language says


@each_row(
    ("locale", "language"),
    [("de-DE", Language.DE), ("de", Language.DE), ("fr-FR", Language.FR), ("fr_CA", Language.FR), ("en-GB", Language.EN),
     ("it-IT", None), ("", None), (None, None), (7, None), ("DE-de", Language.DE), ("deu", None)],
)  # fmt: skip
def test_a_locale_of_slacks_names_a_language_or_none(locale: object, language: Language | None) -> None:
    assert read_language(locale) == language


@each_row(
    ("language", "seconds", "said"),
    [
        (Language.EN, 604_800, "7 days"), (Language.EN, 5_400, "1 hour, 30 minutes"), (Language.EN, 0, "0 seconds"),
        (Language.EN, -5, "0 seconds"), (Language.EN, 90_061, "1 day, 1 hour"),
        (Language.DE, 604_800, "7 Tage"), (Language.DE, 5_400, "1 Stunde, 30 Minuten"),
        (Language.FR, 86_400, "1 jour"), (Language.FR, 5_400, "1 heure et 30 minutes"),
    ],
)  # fmt: skip
def test_a_time_span_is_said_as_the_language_says_it(language: Language, seconds: int, said: str) -> None:
    assert localization.duration(seconds, language).replace("\u00a0", " ") == said


@each_row(
    ("language", "number", "listing"),
    [
        (Language.EN, "12,345", "a, b, or c"),
        (Language.DE, "12.345", "a, b oder c"),
        (Language.FR, "12 345", "a, b ou c"),
    ],
)
def test_numbers_and_lists_are_said_as_the_language_says_them(language: Language, number: str, listing: str) -> None:
    assert re.sub(r"[\u00a0\u202f]", " ", localization.number(12_345, language)) == number
    assert localization.listing(["a", "b", "c"], "or", language) == listing


def test_a_text_that_no_catalogue_has_is_english():
    for language in Language:
        assert localization.translate(say("Nobody says this."), language) == "Nobody says this."
        assert localization.translate(say_in("nowhere", "Open"), language) == "Open"
        assert localization.translate(say_count("{count} of it", "{count} of them", 2), language) == "{count} of them"


def test_every_catalogue_is_one_of_a_language():
    folders = {path.name for path in Path(localization.LOCALES).iterdir() if path.is_dir()}

    assert folders == set(OTHERS)
