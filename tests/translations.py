"""`python -m tests.translations`: brings the translations up to date with the texts in the code.

Each language has a file in bot/locales. New texts are added to it with an empty translation, and texts that the code
does not have any more are taken out. `python -m tests.translations add it` makes the file of a new language.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from bot.language import Language
from bot.screen.localization import LOCALES, po_file

BOT = LOCALES.parent
# The functions in bot/screen/pieces.py, with the places of text, plural and context among their arguments.
KEYWORDS = {"say": None, "say_count": (1, 2), "say_in": ((1, "c"), 2)}
COMMENT_TAG = "Translators:"  # of a comment in the code that translators get too
# Fields of the header that Babel writes and nobody needs, or that change with each update.
_LEFT_OUT = re.compile(
    r'"(POT-Creation-Date|PO-Revision-Date|Report-Msgid-|Last-Tr|Language-Team|Generated-By|Project-Id)'
)


def extract() -> Catalog:
    """The texts of the code, in the order of the files."""
    template = Catalog(charset="utf-8", fuzzy=False)
    found = extract_from_dir(
        BOT, [("sandbox/**", "ignore"), ("**.py", "python")], keywords=KEYWORDS, comment_tags=(COMMENT_TAG,)
    )
    for file, _line, text, comments, context in sorted(found, key=lambda one: (one[0], one[1])):
        template.add(text, locations=[(f"bot/{file}", 0)], auto_comments=comments, context=context)
    return template


def read(language: str) -> Catalog:
    with po_file(language).open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str, template: Catalog) -> str:
    """The file of a language as it has to be: all texts of the code, with the translations that it has now."""
    path = po_file(language)
    catalog = read(language) if path.exists() else Catalog(language, fuzzy=False)
    catalog.update(template, no_fuzzy_matching=True, update_creation_date=False)
    new = Catalog(
        language, charset="utf-8", fuzzy=False,
        header_comment=f"# The texts of the bot in {Locale.parse(language).english_name}.",
    )  # fmt: skip
    for message in texts(template):
        known = catalog.get(message.id, message.context)
        new.add(
            message.id, known.string if known else None, locations=message.locations, flags=message.flags,
            auto_comments=message.auto_comments, user_comments=known.user_comments if known else (),
            context=message.context,
        )  # fmt: skip
    written = BytesIO()
    write_po(written, new, width=100, include_lineno=False, sort_output=False)
    return "".join(line for line in written.getvalue().decode().splitlines(keepends=True) if not _LEFT_OUT.match(line))


def texts(catalog: Catalog) -> Iterator[Message]:
    """All texts, without the header."""
    return (message for message in catalog if message.id)


def untranslated(language: str) -> list[str]:
    """The English texts that have no translation, or not all plural forms."""
    return [str(message.id) for message in texts(read(language)) if not all(_forms(message)) or message.fuzzy]


def _forms(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, list | tuple) else (message.string or "",)


def main(arguments: list[str]) -> None:
    added = arguments[1:] if arguments[:1] == ["add"] else []
    template = extract()
    for language in [*(one for one in Language if one is not Language.EN), *added]:
        path = po_file(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(updated(language, template))
        missing = untranslated(language)
        print(f"{path.relative_to(Path.cwd())}: {len(missing)} of {len(template)} texts have no translation")


if __name__ == "__main__":
    main(sys.argv[1:])
