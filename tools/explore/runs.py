"""What one process explores: a scenario, a meeting, or a story with one guard off."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy import make_url

from tools.explore.crashes import Crash, Crashes
from tools.explore.databases import Database, Postgres, Sqlite
from tools.explore.guards import GUARDS, Guard
from tools.explore.meetings import Meetings
from tools.explore.schedules import AS_IT_GOES, Schedule, read_legs, write_legs
from tools.explore.stories import (
    Meeting,
    Scenario,
    attacks,
    credit,
    goods,
    meetings,
    money,
    odd,
    providers,
    subscriptions,
    till,
)
from tools.explore.world import Snapshot, World

#: Files in memory, where the machine has them: nothing here must outlive the machine.
MEMORY = Path("/dev/shm")  # noqa: S108
ENOUGH = 3  # violations of one story; more say the same
MOST_STEPS = 200  # that are kept of a schedule


@dataclass
class Broken:
    """``steps``: what was done, in order, as far as the outside world can see it."""

    schedule: str
    what: list[str]
    steps: list[str]


@dataclass
class Explored:
    """One story on one database. ``tries``: deaths, or schedules; ``followed``: those to the end.

    ``waits``: how often one actor had to wait for another; ``deadlocks``: how often the database
    ended one of two that waited for each other.
    """

    kind: str  # "scenario", "meeting" or "guard"
    name: str
    database: str
    points: int = 0
    tries: int = 0
    followed: int = 0
    waits: int = 0
    deadlocks: int = 0
    seconds: float = 0.0
    broken: list[Broken] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)  # of the shop's code, see coverage.py


@cache
def stories() -> dict[str, Scenario | Meeting]:
    found: dict[str, Scenario | Meeting] = {}
    modules = (providers, money, credit, subscriptions, goods, attacks, odd, till)
    scenarios = [each for module in modules for each in module.scenarios()]
    every: list[Scenario | Meeting] = [
        *scenarios,
        *meetings.meetings(),
        *subscriptions.meetings(),
    ]
    for each in every:
        if found.setdefault(each.name, each) is not each:
            raise ValueError(f"two stories are called {each.name!r}")
    return found


@cache
def guards() -> dict[str, Guard]:
    return {each.name: each for each in GUARDS}


@contextmanager
def opened(database: str, server_url: str = "") -> Iterator[tuple[World, Snapshot]]:
    """A world of this process's own, and its beginning."""
    folder = str(MEMORY) if MEMORY.is_dir() else None
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        world = World(stack.enter_context(_database(database, home, server_url)), home, stack)
        yield world, world.remember()


@contextmanager
def _database(kind: str, home: Path, server_url: str) -> Iterator[Database]:
    if kind == "sqlite":
        yield Sqlite(home / "shop.db")
        return
    name = f"explore_{uuid4().hex[:8]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = make_url(server_url).set(database=name).render_as_string(hide_password=False)
    database = Postgres(url)
    try:
        yield database
    finally:
        database.watcher.close()


def explore(
    world: World, beginning: Snapshot, kind: str, name: str, *, seed: int, is_short: bool
) -> Explored:
    """One story, or the one that shows a guard, until enough is found."""
    database = "sqlite" if isinstance(world.database, Sqlite) else "postgresql"
    found, began = Explored(kind, name, database), time.perf_counter()
    guard = guards()[name] if kind == "guard" else None
    story = stories()[guard.shown_by if guard else name]
    deadlocks = world.connections.deadlocks
    with guard.off(world) if guard else ExitStack():
        for schedule, what, steps in _all_of(
            world, beginning, story, found, seed, is_short and not guard
        ):
            line = str(Schedule(story.name, schedule, guard.name if guard else "", database))
            found.broken.append(Broken(line, what, steps))
            if guard or len(found.broken) == ENOUGH:
                break
    found.deadlocks = world.connections.deadlocks - deadlocks
    found.seconds = round(time.perf_counter() - began, 1)
    return found


def _all_of(
    world: World,
    beginning: Snapshot,
    story: Scenario | Meeting,
    found: Explored,
    seed: int,
    is_short: bool,
) -> Iterator[tuple[str, list[str], list[str]]]:
    if isinstance(story, Scenario):
        crashes = Crashes(world, story)
        for crash, what in crashes.explore(beginning):
            found.tries, found.followed = crashes.tried, crashes.followed
            yield str(crash) if crash else AS_IT_GOES, what, crashes.steps[-MOST_STEPS:]
        found.points = sum(map(len, crashes.points))
        found.tries, found.followed = crashes.tried, crashes.followed
        found.lines = sorted(crashes.lines)
        return
    meeting = Meetings(world, story)
    for legs, what in meeting.explore(beginning, seed=seed, is_short=is_short):
        found.tries = found.followed = meeting.tried
        yield write_legs(legs), what, meeting.steps[-MOST_STEPS:]
    found.points = meeting.points
    found.tries = found.followed = meeting.tried
    found.waits = meeting.waits


def replay(world: World, beginning: Snapshot, schedule: Schedule) -> Broken:
    """One schedule, played again."""
    story, guard = stories()[schedule.story], guards().get(schedule.guard)
    with guard.off(world) if guard else ExitStack():
        if isinstance(story, Meeting):
            meeting = Meetings(world, story)
            meeting.prepare(beginning)
            what = meeting.play(read_legs(schedule.where))
            return Broken(str(schedule), what, meeting.steps)
        crashes = Crashes(world, story)
        what = crashes.play_through(beginning)
        if schedule.where != AS_IT_GOES:
            what, _ = crashes.play(Crash.read(schedule.where))
        return Broken(str(schedule), what, crashes.steps)
