"""Texts of the bot in English, for tests that compare them with what people see."""

from __future__ import annotations

from bot.language import Language
from bot.screen.parts import Message
from bot.screen.pieces import Piece
from bot.slack import blocks, texts


def english(*pieces: Piece) -> str:
    """As in a block, with markup."""
    return texts.mrkdwn(pieces, Language.EN)


def plain_english(piece: Piece) -> str:
    """As in a button, a title, a label or an error at a field."""
    return texts.draw(piece, Language.EN, "plain")


def summary_of(message: Message) -> str:
    """The `text` of a message, which notifications and screen readers say."""
    return str(blocks.message(message, Language.EN)["text"])
