"""README.md and docs/ as values, for the tests that compare them with the code.

`python -m tests.readme` plays a tour and writes its journeys into docs/tour.md anew.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
TOUR = ROOT / "docs/tour.md"
DEPLOY = ROOT / "docs/deploy"  # files that operators copy
DOCUMENTS = (README, *sorted((ROOT / "docs").rglob("*.md")))
MOST = 60  # seconds for a tour

# A capture: a code block that starts with a journey's number and underlined title.
CAPTURE = re.compile(r"(?<=```text\n)(?P<number>\d+)\. [^\n]+\n-{4,}\n.*?(?=\n```)", re.DOTALL)

# What differs from one tour to the next, and means the same.
_MASKS = (
    (re.compile(r"\s+"), " "),  # lines are folded at other places with longer port numbers
    (re.compile(r" │ | │(?= )"), " "),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "DATE"),
    (re.compile(r"[A-Z][a-z]{2} \d{1,2}, \d{4}"), "DATE"),
    (re.compile(r"(?<=[Ss]ecret )[a-z0-9]{8}\b"), "ID"),
    (re.compile(r"\d\d:\d\d UTC"), "TIME"),
    (re.compile(r"\d+ ms"), "N ms"),
    (re.compile(r"\d+ log lines"), "N log lines"),
    (re.compile(r"\d+ bytes"), "N bytes"),
)

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)]+)\)")
_FILE = re.compile(r"[\w-]+\.(?:py|md|yml|toml|txt|env|service|png)")


# --- documents


def inside(document: Path) -> str:
    """The document's path from the root of the project."""
    return document.relative_to(ROOT).as_posix()


def text() -> str:
    """All documents in one, README.md first. Local links are as they would be from the root."""
    return "\n".join(_with_links_from_root(document) for document in DOCUMENTS)


def _with_links_from_root(document: Path) -> str:
    def from_root(found: re.Match[str]) -> str:
        target = found[1]
        if target.startswith(("https://", "#")):
            return found[0]
        return f"]({inside((document.parent / target).resolve())})"

    return _LINK.sub(from_root, document.read_text())


def prose(document: Path) -> str:
    """The document without its code blocks."""
    return _BLOCK.sub("", document.read_text())


def section(title: str) -> str:
    """What stands under a heading, up to the next one of its level or above. The heading is in one document only."""
    found = [part for document in DOCUMENTS for heading, part in _sections(document.read_text()) if heading == title]
    assert len(found) == 1, f"{len(found)} documents have the heading “{title}”"
    return found[0]


def _sections(document: str) -> Iterator[tuple[str, str]]:
    blocks = [found.span() for found in _BLOCK.finditer(document)]
    heads = [
        head for head in _HEADING.finditer(document) if not any(first <= head.start() < end for first, end in blocks)
    ]
    for index, head in enumerate(heads):
        ends = [other.start() for other in heads[index + 1 :] if len(other[1]) <= len(head[1])]
        yield head[2], document[head.end() + 1 : ends[0] if ends else len(document)]


def anchors(document: Path) -> list[str]:
    """The anchors that GitHub gives to the headings."""
    titles = [title for title, _ in _sections(document.read_text())]
    return [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]


def links(document: Path) -> list[str]:
    """The targets of its links to files and headings of the project."""
    return [target for target in _LINK.findall(prose(document)) if not target.startswith("https://")]


# --- what documents say


def rows(part: str) -> list[list[str]]:
    """The cells of the tables in it, without headings. `\\|` in a cell is a plain bar."""
    lines = [line for line in part.splitlines() if line.startswith("|")]
    cells = [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    heads = {index - 1 for index, row in enumerate(cells) if all(set(cell) <= {"-", ":"} and cell for cell in row)}
    return [row for index, row in enumerate(cells) if index not in heads | {head + 1 for head in heads}]


def code(language: str, part: str | None = None) -> list[str]:
    """The code blocks in a language, without the indentation that they have in a list."""
    blocks = [found.groups() for found in _BLOCK.finditer(part or text()) if found[2] == language]
    return [re.sub(f"^{indent}", "", block, flags=re.MULTILINE) for indent, _, block in blocks]


def quoted(cell: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def paths(words: str) -> set[str]:
    """What names a file or folder of the project in it: quoted, or with the top folder wherever it stands."""
    tops = {path.name for path in ROOT.iterdir()} - {".venv"}
    named = {word for word in re.findall(r"(?<![\w./~-])[\w.]+(?:/[\w.-]*[\w-])+", words) if word.split("/")[0] in tops}
    for word in quoted(_BLOCK.sub("", words)):
        if re.fullmatch(r"[\w.][\w./-]*", word) and (
            word.split("/")[0] in tops or _FILE.fullmatch(word.split("/")[-1])
        ):
            named.add(word)
    return named


def settings(words: str) -> set[str]:
    """What is quoted or set in it and is named like a setting. Names of one word count only where they are set."""
    named = {name for word in quoted(_BLOCK.sub("", words)) for name in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", word)}
    return named | set(re.findall(r"^(?:# |Environment=)?([A-Z][A-Z_]+)=", words, re.MULTILINE))


# --- the tour


def captures() -> dict[int, str]:
    """The captured journeys of the tour, by number."""
    return {int(found["number"]): found[0] for found in CAPTURE.finditer(TOUR.read_text())}


def journeys(output: str) -> dict[int, str]:
    """A tour's output, by the number of the journey."""
    parts = re.split(r"^(?=\d+\. [^\n]+\n-{4})", output, flags=re.MULTILINE)[1:]
    return {int(part.split(".", 1)[0]): part.rstrip() for part in parts}


def masked(capture: str) -> str:
    for pattern, instead in _MASKS:
        capture = pattern.sub(instead, capture)
    return capture.strip()


def write_captures() -> None:
    """Put the journeys of a tour of today in the place of those in docs/tour.md, each under a heading."""
    tour = [sys.executable, "-m", "bot", "sandbox", "--tour"]
    played = journeys(subprocess.run(tour, cwd=ROOT, capture_output=True, text=True, timeout=MOST, check=True).stdout)
    titles = {number: part.splitlines()[0].split(". ", 1)[1] for number, part in played.items()}
    sections = [f"## {titles[number]}\n\n```text\n{part}\n```\n" for number, part in played.items()]
    introduction = TOUR.read_text().split("\n## ", 1)[0]
    TOUR.write_text("\n".join([f"{introduction}\n", *sections]).replace("\n\n\n## ", "\n\n## "))


if __name__ == "__main__":
    write_captures()
