"""README.md as values, for the tests that compare it with the code.

`python -m tests.readme` writes the terminal captures in it anew, from a tour that it plays.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "README.md"
MOST = 60  # seconds for a tour

# A capture: a code block that starts with a journey's number and underlined title.
CAPTURE = re.compile(r"(?<=```text\n)(?P<number>\d+)\. [^\n]+\n-{4,}\n.*?(?=\n```)", re.DOTALL)

# What differs from one tour to the next, and means the same.
_MASKS = (
    (re.compile(r"\s+"), " "),  # lines are folded at other places with longer port numbers
    (re.compile(r" │ | │(?= )"), " "),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "DATE"),
    (re.compile(r"\d\d:\d\d UTC"), "TIME"),
    (re.compile(r"\d+ ms"), "N ms"),
    (re.compile(r"\d+ log lines"), "N log lines"),
    (re.compile(r"\d+ bytes"), "N bytes"),
)


def text() -> str:
    return FILE.read_text()


def section(title: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,2}} |^\1 |\Z)", text(), re.DOTALL | re.MULTILINE)
    assert found, f"README.md has no heading “{title}”"
    return found[2]


def rows(part: str) -> list[list[str]]:
    """The cells of the tables in it, without headings. `\\|` in a cell is a plain bar."""
    lines = [line for line in part.splitlines() if line.startswith("|")]
    cells = [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    heads = {index - 1 for index, row in enumerate(cells) if all(set(cell) <= {"-", ":"} and cell for cell in row)}
    return [row for index, row in enumerate(cells) if index not in heads | {head + 1 for head in heads}]


def code(language: str, part: str | None = None) -> list[str]:
    """The code blocks in a language, without the indentation that they have in a list."""
    blocks = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", part or text(), re.DOTALL | re.MULTILINE)
    return [re.sub(f"^{indent}", "", block, flags=re.MULTILINE) for indent, block in blocks]


def quoted(cell: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def captures() -> dict[int, str]:
    """The captured journeys, by number."""
    return {int(found["number"]): found[0] for found in CAPTURE.finditer(text())}


def journeys(output: str) -> dict[int, str]:
    """A tour's output, by the number of the journey."""
    parts = re.split(r"^(?=\d+\. [^\n]+\n-{4})", output, flags=re.MULTILINE)[1:]
    return {int(part.split(".", 1)[0]): part.rstrip() for part in parts}


def masked(capture: str) -> str:
    for pattern, instead in _MASKS:
        capture = pattern.sub(instead, capture)
    return capture.strip()


def write_captures() -> None:
    """Put the journeys of a tour of today in the place of those in the file."""
    tour = [sys.executable, "-m", "bot", "sandbox", "--tour"]
    played = journeys(subprocess.run(tour, cwd=ROOT, capture_output=True, text=True, timeout=MOST, check=True).stdout)
    FILE.write_text(CAPTURE.sub(lambda found: played[int(found["number"])], text()))


if __name__ == "__main__":
    write_captures()
