"""Texts of the bot in English, for tests that compare them with what people see."""

from __future__ import annotations

from bot.language import Language
from bot.screen.parts import Message
from bot.screen.pieces import Piece
from bot.slack import blocks, texts
from tests.support.drawn_screens import show_pieces


def english(*pieces: Piece) -> str:
    """As in a block, with markup."""
    show_pieces(*pieces)
    return texts.mrkdwn(pieces, Language.EN)


def plain_english(piece: Piece) -> str:
    """As in a button, a title, a label or an error at a field."""
    show_pieces(piece)
    return texts.draw(piece, Language.EN, "plain")


def summary_of(message: Message) -> str:
    """The `text` of a message, which notifications and screen readers say."""
    return str(blocks.message(message, Language.EN)["text"])
