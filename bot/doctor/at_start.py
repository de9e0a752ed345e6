"""What `run`, `web` and `worker` say at their start of what the doctor would find.

It costs no call: files are looked at, and Slack's answer to the start's own auth.test is judged.
"""

from __future__ import annotations

from pathlib import Path

from bot.doctor import database, slack
from bot.doctor.examine import Examination, Loaders
from bot.doctor.report import as_line
from bot.logs import Log
from bot.settings import CheckedSettings, Settings

log = Log("doctor")


def find_other_failures(checked: CheckedSettings, env_file: Path | None, load: Loaders, known: str) -> list[str]:
    """A line for each failure that files and settings show, but for the one that the text `known` tells.

    A start stops at the first one, and then the operator shall not find the others one by one.
    """
    findings = Examination(checked, env_file, load).examine_files()
    return [as_line(one) for one in findings if one.result == "failed" and one.says not in known]


def log_failures(settings: Settings, path: Path | None, scopes: frozenset[str] | None, ahead: float | None) -> None:
    """One line in the log for each failure that does not stop the start. `path` is that of the SQLite file."""
    findings = slack.judge_scopes(scopes, slack.wanted_scopes(settings)) + slack.judge_clock(ahead)
    if path is not None and (kind := database.find_network_filesystem(path.parent)):
        findings.append(database.judge_filesystem(path.parent, kind))
    for one in findings:
        if one.result == "failed":
            log.warning("check_failed", kind=one.check, reason=as_line(one))
