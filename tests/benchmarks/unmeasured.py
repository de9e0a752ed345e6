"""The bot, counting nothing: `python -m tests.benchmarks.unmeasured run`, for the benchmark `metrics`."""

from typing import Any

from bot.__main__ import main
from bot.metrics import Metrics


def nothing(*_given: Any, **_named: Any) -> None:
    """In place of what counts."""


if __name__ == "__main__":
    for name in ("ack", "act", "slack_call", "onetime_call", "denial"):
        setattr(Metrics, name, nothing)
    main()
