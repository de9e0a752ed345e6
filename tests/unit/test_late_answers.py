"""What becomes of a handler's reply that Slack does not take at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import stamina

from bot.errors import SlackError
from bot.interaction.feature import Kind, Outcome, Reply
from bot.screen.parts import NO_FORM, Message, Modal, Revealed, Text
from bot.screen.pieces import Mark
from bot.secret import Secret
from bot.slack import dispatcher
from bot.slack.answers import _window_as_message
from bot.slack.dispatcher import NOT_KEPT, _finish_patiently, _name_what_was_missed
from tests.support.english import english

SECRET = Modal.of(NO_FORM, Mark("The password"), Revealed(Secret("canary")))
FORM = Modal.of("form", Mark("Share"), Text.of(Mark("What?")), submit=Mark("Share"))
WORDS = Modal.of(NO_FORM, Mark("Burn a secret"), Text.of(Mark("Too late.")))


class Answer:
    """Fails with these errors, one after the other, and then succeeds."""

    def __init__(self, *errors: SlackError) -> None:
        self._errors = list(errors)
        self.shown = 0
        self.elsewhere: list[Message] = []

    async def finish(self, _reply: Reply) -> None:
        if self._errors:
            raise self._errors.pop(0)
        self.shown += 1

    async def finish_elsewhere(self, reply: Reply) -> bool:
        assert reply.screen is not None
        message = None if isinstance(reply.screen, Message) else _window_as_message(reply.screen)
        if message is not None:
            self.elsewhere.append(message)
        return message is not None


def refusals(code: str, **more: Any) -> Any:
    return itertools.repeat(SlackError("views.update", code, **more), dispatcher.EXPLAIN_TRIES)


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=dispatcher.EXPLAIN_TRIES):
        yield


async def test_a_reply_that_slack_is_not_ready_for_is_shown_later() -> None:
    answer = Answer(SlackError("views.update", "internal_error"), SlackError("views.update", "connection"))

    await _finish_patiently(answer, Reply(WORDS, Outcome.DONE))  # type: ignore[arg-type]

    assert (answer.shown, answer.elsewhere) == (1, [])


@pytest.mark.parametrize("code", ["token_revoked", "internal_error", "a_code_of_next_year", "view_too_large"])
async def test_a_window_that_slack_never_takes_comes_as_a_message(code: str) -> None:
    answer = Answer(*refusals(code))

    await _finish_patiently(answer, Reply(WORDS, Outcome.DONE))  # type: ignore[arg-type]

    assert [message.parts for message in answer.elsewhere] == [WORDS.parts]


@pytest.mark.parametrize("code", ["token_revoked", "internal_error", "a_code_of_next_year", "view_too_large"])
async def test_a_secret_is_never_kept_and_that_is_said(code: str) -> None:
    answer = Answer(*refusals(code))

    with pytest.raises(SlackError) as failed:
        await _finish_patiently(answer, Reply(SECRET, Outcome.DONE))  # type: ignore[arg-type]

    assert (failed.value.tell, failed.value.code, answer.elsewhere) == (NOT_KEPT, code, [])
    assert "canary" not in f"{failed.value} {failed.value!r}"


async def test_a_form_is_not_shown_as_a_message_and_its_command_is_named() -> None:
    answer = Answer(*refusals("internal_error"))

    with pytest.raises(SlackError) as failed:
        await _finish_patiently(answer, Reply(FORM, Outcome.SHOWN))  # type: ignore[arg-type]

    assert answer.elsewhere == []
    assert "`/ots share`" in english(_name_what_was_missed(failed.value, Kind.COMMAND, "share").tell)
    assert _name_what_was_missed(failed.value, Kind.ACTION, "burn") is failed.value


async def test_a_refused_token_keeps_its_own_words_with_a_command_too() -> None:
    error = SlackError("views.open", "token_revoked")

    assert _name_what_was_missed(error, Kind.COMMAND, "share") is error
