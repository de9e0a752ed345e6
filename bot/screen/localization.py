"""How a language says things: texts from the catalogues in bot/locales, numbers, time spans and lists from CLDR."""

from __future__ import annotations

import gettext
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final, Literal

from babel import Locale
from babel.dates import format_skeleton
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.units import format_unit

from bot.language import Language
from bot.screen.pieces import Mark, Phrase, say

LOCALES: Final = Path(__file__).parents[1] / "locales"

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def po_file(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / "bot.po"


def translate(phrase: Phrase, language: Language) -> str:
    """The text of a phrase with its placeholders. A text that the catalogue does not have is English."""
    texts = _load(language)
    if phrase.plural is not None:
        return texts.ngettext(phrase.text, phrase.plural, phrase.count)
    if phrase.context is not None:
        return texts.pgettext(phrase.context, phrase.text)
    return texts.gettext(phrase.text)


def number(value: int, language: Language) -> str:
    return format_decimal(value, locale=_locale(language))


def duration(seconds: int, language: Language) -> str:
    """A time span in at most two units."""
    said = []
    rest = max(0, seconds)
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            said.append(_unit(count, name, language))
    return format_list(said[:2], style="unit", locale=_locale(language)) if said else _unit(0, "second", language)


def listing(items: Sequence[str], conjunction: Literal["and", "or"], language: Language) -> str:
    style: Literal["standard", "or"] = "standard" if conjunction == "and" else "or"
    return format_list(items, style=style, locale=_locale(language))


def moment(at: datetime, style: Literal["moment", "clock"], language: Language) -> str:
    """A moment in UTC, for where Slack cannot show it in the reader's time zone."""
    locale, at = _locale(language), at.astimezone(UTC)
    clock = f"{format_skeleton('Hm', at, locale=locale)} UTC"
    day = format_skeleton("yMMMd", at, locale=locale)
    return clock if style == "clock" else str(locale.datetime_formats["medium"]).format(clock, day)


def day_and_time(language: Language) -> str:
    """How a day and a time stand together: a text with {day} and {time}."""
    return translate(say("{day} at {time}", day=Mark(""), time=Mark("")), language)


def _unit(count: int, name: str, language: Language) -> str:
    return format_unit(count, f"duration-{name}", length="long", locale=_locale(language))


@cache
def _locale(language: Language) -> Locale:
    return Locale.parse(language)


@cache
def _load(language: Language) -> gettext.NullTranslations:
    """The catalogue of a language, compiled in memory: there is no file that could be older than its source."""
    if language is Language.EN:
        return gettext.NullTranslations()
    with po_file(language).open("rb") as file:
        catalog = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
