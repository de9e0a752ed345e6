"""The naive watcher to compare with: a loop that asks for each secret by itself and commits each answer.

`python -m tests.benchmarks.watch.naive_watcher JOB`. Libraries as they come: `requests.get`, the ORM, SQLite's own defaults.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

import requests
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from tests.benchmarks.watch import people
from tests.benchmarks.watch.processes import Done, cpu


@dataclass(frozen=True, slots=True)
class Job:
    port: int  # of the load server
    file: str  # SQLite's
    secrets: int
    window: float  # seconds


class Base(DeclarativeBase):
    pass


class Tracked(Base):
    __tablename__ = "tracked"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    state: Mapped[str]
    checked_at: Mapped[float]


def work(job: Job) -> Done:
    engine = create_engine(f"sqlite:///{job.file}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Tracked(key=people.key(0, n), state="new", checked_at=0.0) for n in range(job.secrets)])
        session.commit()
        polls = _poll_all(session, f"http://127.0.0.1:{job.port}/api/v1/private/")
        next(polls)  # the first pays for what is made only once
        return _measured(polls, job.window)


def _poll_all(session: Session, url: str) -> Iterator[None]:
    for row in cycle(session.scalars(select(Tracked).where(Tracked.state == "new")).all()):
        answer = requests.get(url + row.key, auth=(people.username(0), people.TOKEN), timeout=10)
        row.state = answer.json()["state"]
        row.checked_at = time.time()
        session.commit()
        yield


def _measured(polls: Iterator[None], window: float) -> Done:
    started, used, count = time.perf_counter(), cpu(), 0
    while time.perf_counter() - started < window:
        next(polls)
        count += 1
    return Done(count, time.perf_counter() - started, cpu() - used)


if __name__ == "__main__":
    print(work(Job(**json.loads(sys.argv[1]))).said())
