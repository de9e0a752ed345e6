"""The findings as text for a terminal, or as JSON."""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from collections.abc import Sequence
from typing import TextIO

from bot.doctor.finding import CheckResult, Finding
from bot.logs import redact

MIN_TEXT = 40  # columns that a text has on a narrow terminal
_COLOURS: dict[CheckResult, str] = {"ok": "32", "warning": "33", "failed": "31;1", "not checkable": "2"}


def exit_code(findings: Sequence[Finding]) -> int:
    return 1 if any(one.result == "failed" for one in findings) else 0


def as_json(findings: Sequence[Finding]) -> str:
    lines = [
        {"check": one.check, "result": one.result, "says": _clean(one.says), "remedy": one.remedy} for one in findings
    ]
    return json.dumps({"ok": exit_code(findings) == 0, "findings": lines}, ensure_ascii=False, indent=2)


def as_text(findings: Sequence[Finding], stream: TextIO) -> str:
    """In columns. On a terminal it is coloured, and wrapped to its width."""
    is_terminal = stream.isatty()
    is_coloured = is_terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    width = shutil.get_terminal_size().columns if is_terminal else 0
    results = max((len(one.result) for one in findings), default=0)
    checks = max((len(one.check) for one in findings), default=0)
    indent = results + checks + 4
    lines = []
    for one in findings:
        head = one.result.ljust(results)
        if is_coloured:
            head = f"\x1b[{_COLOURS[one.result]}m{head}\x1b[0m"
        first, *rest = _wrap(_clean(one.says), width - indent)
        lines.append(f"{head}  {one.check.ljust(checks)}  {first}")
        if one.remedy:
            arrow, *more = _wrap(one.remedy, width - indent - 2)
            rest += [f"→ {arrow}", *(f"  {line}" for line in more)]
        lines += [" " * indent + line for line in rest]
    return "\n".join([*lines, "", summarize(findings)])


def as_line(finding: Finding) -> str:
    """One finding in one line, for standard error and for the log."""
    says = _clean(finding.says)
    return f"{says}. {finding.remedy}" if finding.remedy else says


def summarize(findings: Sequence[Finding]) -> str:
    failures, warnings = (sum(one.result == result for one in findings) for result in ("failed", "warning"))
    bad = [f"{failures} failed"] * bool(failures) + [f"{warnings} to look at"] * bool(warnings)
    return f"{', '.join(bad)}." if bad else "Nothing failed."


def _wrap(text: str, width: int) -> list[str]:
    if width <= 0:
        return [text]
    return textwrap.wrap(text, max(width, MIN_TEXT), break_long_words=False, break_on_hyphens=False) or [""]


def _clean(says: str) -> str:
    """Without what a terminal would obey, and without what looks like a credential."""
    return redact("".join(one if one.isprintable() else "�" for one in says))
