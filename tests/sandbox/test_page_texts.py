"""The page's own texts in three languages, and the emoji that it can draw."""

import re

import pytest

from bot.sandbox.first_round import FIRST_ROUND
from bot.sandbox.page.server import STATIC
from bot.sandbox.page.settings import LOCALES
from tests.readme import ROOT

SCRIPTS = STATIC / "js"
LANGUAGES = tuple(LOCALES)
MADE_NAMES = re.compile(
    r"mode_\w+|theme_\w+|state_\w+|field_\w+"
)  # names that the code puts together, or has in a table


def texts(language):
    """The name of each text of a language, with its source: a string, or the forms of a plural."""
    source = (SCRIPTS / f"texts_{language}.js").read_text(encoding="utf-8")
    return dict(re.findall(r"^  (\w+): (.*?),?(?: //.*)?$", source, re.MULTILINE))


def code(path):
    """The source without its comments."""
    source = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"(?<![:\"])//.*$", "", source, flags=re.MULTILINE)


def scripts():
    return {path.name: code(path) for path in SCRIPTS.glob("*.js") if not path.name.startswith("texts_")}


def test_every_language_has_every_text_with_its_values():
    english = texts("en")

    for language in LANGUAGES:
        found = texts(language)
        assert found.keys() == english.keys(), language
        for name, text in found.items():
            assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", english[name])), (language, name)


def test_the_code_uses_every_text_and_no_other():
    used = set(re.findall(r'\bt\(\s*"(\w+)"', "".join(scripts().values())))
    mentioned = {name for name in texts("en") if any(re.search(rf'"{name}"', source) for source in scripts().values())}

    assert used <= texts("en").keys()
    assert {name for name in texts("en").keys() - mentioned if not MADE_NAMES.fullmatch(name)} == set()


def test_no_script_has_a_sentence_of_its_own():
    sentence = re.compile(r"""["`][A-Z][a-z’']+(?: [a-zA-Z#$/{}.’']+)+[.…?]?["`]""")

    found = {name: set(sentence.findall(source)) - {'"Onetime Secret"'} for name, source in scripts().items()}
    assert {name: sentences for name, sentences in found.items() if sentences} == {}


def test_every_step_of_the_first_round_is_told_in_every_language():
    told = [one.texts for one in FIRST_ROUND] + [offer.labels for one in FIRST_ROUND for offer in one.offers]

    assert all(set(one) == set(LANGUAGES) and all(one.values()) for one in told)


# --- emoji

CODE = re.compile(r"(?<![\w:/]):([a-z][a-z0-9_+-]*):(?![\w:/])")
NO_EMOJI = {"memory": "a database of SQLite"}
KINDS = (".py", ".po", ".pot", ".ftl", ".toml", ".json", ".yml")


def used_emoji(source):
    return set(CODE.findall(source)) | set(re.findall(r'"type": "emoji", "name": "([\w+-]+)"', source))


def emoji_of_bot():
    """Each emoji code in the bot's sources and catalogues, with a file that has it."""
    sandbox = ROOT / "bot" / "sandbox"
    files = [path for path in (ROOT / "bot").rglob("*") if path.suffix in KINDS and sandbox not in path.parents]
    return {name: path.relative_to(ROOT) for path in files for name in used_emoji(path.read_text(encoding="utf-8"))}


def drawn_emoji():
    """The codes that the page knows, each with its character, and the characters that it has a drawing of."""
    table = (SCRIPTS / "emoji.js").read_text(encoding="utf-8").partition("const SIGNS = {")[2].partition("};")[0]
    known = re.findall(r'(?:"([\w+-]+)"|([a-z_][a-z0-9_]*)): "([^"]+)"', table)
    shapes = (SCRIPTS / "emoji_shapes.js").read_text(encoding="utf-8")
    return {quoted or plain: sign for quoted, plain, sign in known}, set(
        re.findall(r'^  "([^"]+)": \[\[', shapes, re.MULTILINE)
    )


def test_the_page_draws_every_emoji_that_the_bot_uses():
    signs, _ = drawn_emoji()
    used = emoji_of_bot()

    assert "warning" in used
    assert {name: str(path) for name, path in used.items() if name not in signs | NO_EMOJI} == {}


def test_the_page_has_a_drawing_for_every_emoji_that_it_knows():
    signs, drawings = drawn_emoji()

    assert {name for name, sign in signs.items() if sign not in drawings} == set()


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('Text.of(":no_such_sign: hello")', {"no_such_sign"}),
        ('Text.of(f":key: {name}")', {"key"}),
        ('"sqlite+aiosqlite:///:memory:"', set()),
        ('"at 10:30:15, k1:abc:def"', set()),
        ('{"type": "emoji", "name": "tada"}', {"tada"}),
    ],
    ids=["a code", "a code in an f-string", "a database", "times and keys", "an element of rich text"],
)
def test_an_emoji_is_found_in_the_source(source, names):
    assert used_emoji(source) == names
