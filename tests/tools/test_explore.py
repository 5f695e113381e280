"""``make explore``: what it tries, what it sees, and a part of it on both databases."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from database import db, transaction
from models import Counter
from tools.explore import runs
from tools.explore.coverage import WATCHED, never_reached
from tools.explore.crashes import Crash, Crashes
from tools.explore.meetings import Meetings
from tools.explore.points import reach
from tools.explore.report import DOCUMENT
from tools.explore.schedules import Schedule, read_legs, read_schedule, write_legs
from tools.explore.stories import Meeting, Scenario
from tools.explore.stories.moves import after
from tools.explore.world import Snapshot, World

from .test_run import ROOT

Opened = tuple[World, Snapshot]


def explore(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.explore", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500)


@pytest.fixture(scope="module")
def opened() -> Iterator[Opened]:
    with runs.opened("sqlite") as found:
        yield found


def count(name: str) -> None:
    """A transaction of two statements, as the shop's are."""
    for part in ("first", "second"):
        with transaction() as session:
            session.add(Counter(name=f"{name} {part}", provider="", label="", value=1))
            session.flush()


def counted(world: World) -> list[str]:
    with world.shop.app_context():
        return list(db.session.scalars(select(Counter.name).order_by(Counter.name)))


# ------------------------------------------------------------------ a part of it, in real


@pytest.mark.timeout(600)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nothing_breaks_and_each_guard_that_is_off_is_found(database: str, tmp_path: Path) -> None:
    """The short part: some scenarios, some meetings, every guard."""
    report = tmp_path / "explore.json"

    ended = explore("--short", "--database", database, "--processes=1", "--report", str(report))

    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(report.read_text())["explored"]
    assert {each["kind"] for each in told} == {"scenario", "meeting", "guard"}
    for each in told:
        assert bool(each["broken"]) == (each["kind"] == "guard"), each["name"]
    here = {name for name, guard in runs.guards().items() if database in guard.databases}
    assert {each["name"] for each in told if each["kind"] == "guard"} == here


def test_a_schedule_that_was_printed_breaks_the_same_again() -> None:
    """And it reads as a list of who does what."""
    line = "a return that says success @ as it goes without a return proves nothing on sqlite"

    ended = explore("--schedule", line)

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert re.search(r"\d+\. payments/\w+\.py \w+\(\): ", ended.stdout)
    assert "is paid without money" in ended.stdout or "not open" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--schedule", "nonsense"], "'nonsense' is no schedule"),
        (["--schedule", "no such story @ 1.2"], "there is no 'no such story'"),
        (["--schedule", "webhook twice @ webhook without hope"], "there is no 'hope'"),
        (["--only", "no such story"], "Nothing is called 'no such story'"),
    ],
)
def test_what_makes_no_sense_is_answered_by_a_sentence(arguments: list[str], sentence: str) -> None:
    ended = explore(*arguments)

    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


# ------------------------------------------------------------------ a death


def test_a_death_leaves_what_was_committed_and_nothing_else(opened: Opened) -> None:
    """Before a COMMIT its transaction is lost, after it it is there: both are tried."""
    world, beginning = opened
    left = []

    def note(world: World) -> None:
        left.append(counted(world))

    scenario = Scenario(
        "", lambda _: None, (lambda world: world.work(lambda: count("a")), note), ()
    )
    crashes = Crashes(world, scenario)
    crashes.play_through(beginning)
    names = [point.what for point in crashes.points[0]]
    left.clear()
    for number in range(len(names)):
        crashes.play(Crash(0, number))

    assert names == [
        *("BEGIN IMMEDIATE", "INSERT counters", "COMMIT"),
        *("BEGIN IMMEDIATE", "INSERT counters", "COMMIT"),
        "the worker rests",
    ]
    assert left == [[], ["a first"], ["a first", "a second"]]  # one of each that leaves the same


def test_what_is_dead_does_nothing_more(opened: Opened) -> None:
    """No ``except`` and no ``finally`` of the shop's changes anything after the death."""
    world, beginning = opened

    def clean_up() -> None:
        try:
            count("a")
        finally:
            count("b")

    left = []
    moves = (lambda world: world.work(clean_up), lambda world: left.append(counted(world)))
    crashes = Crashes(world, Scenario("", lambda _: None, moves, ()))
    crashes.play_through(beginning)
    left.clear()
    crashes.play(Crash(0, 1))

    assert left == [[]]


def test_the_same_schedule_does_the_same_each_time(opened: Opened) -> None:
    world, beginning = opened
    line = Schedule("mintcash: paid by webhook", "0.20")

    first, again = (runs.replay(world, beginning, line) for _ in range(2))

    assert first == again
    assert first.what == []
    assert "the process is killed before" in first.steps[-1] or any(
        "the process is killed before" in step for step in first.steps
    )


# ------------------------------------------------------------------ a meeting


def test_an_actor_that_waits_for_the_lock_lets_the_other_one_move(opened: Opened) -> None:
    world, beginning = opened

    def hold(world: World) -> None:
        world.work(lambda: count("a"))

    world.connections.is_immediate = False  # so that the first can be left inside its transaction
    try:
        meeting = Meetings(world, Meeting("", lambda _: None, {"a": hold, "b": hold}, ()))
        meeting.prepare(beginning)
        meeting.play(read_legs("a 2, b, a, b"))
    finally:
        world.connections.is_immediate = True

    assert meeting.waits > 0
    assert "b: waits for the write lock" in meeting.steps


def test_every_order_of_two_is_tried(opened: Opened) -> None:
    """Of two with two points each: the first may be left at each, and so may the other."""
    world, beginning = opened
    orders: list[list[str]] = []

    def move(name: str, _: World) -> None:
        for part in ("first", "second"):
            reach("statement", part)
            orders[-1].append(f"{name} {part}")

    class Noted(Meetings):
        def play(self, legs: list[tuple[str, int | None]]) -> list[str]:
            orders.append([])
            return super().play(legs)

    actors = {name: lambda world, name=name: move(name, world) for name in "ab"}
    meeting = Noted(world, Meeting("", after(), actors, ()))

    assert list(meeting.explore(beginning, seed=0)) == []
    assert {tuple(each) for each in orders} == {
        ("a first", "a second", "b first", "b second"),
        ("a first", "b first", "a second", "b second"),
        ("a first", "b first", "b second", "a second"),
        ("b first", "a first", "a second", "b second"),
        ("b first", "a first", "b second", "a second"),
        ("b first", "b second", "a first", "a second"),
    }


# ------------------------------------------------------------------ lines, coverage, the document


@pytest.mark.parametrize(
    "line",
    [
        "webhook twice @ webhook 3, the same on sqlite",
        "mintcash: paid by webhook @ 2.14 on postgresql",
        "a forged webhook @ as it goes without the signature is checked on sqlite",
        "mintcash: paid by webhook @ 0.3 leaves on sqlite",
    ],
)
def test_a_schedule_is_read_as_it_is_written(line: str) -> None:
    assert str(read_schedule(line)) == line


def test_legs_are_read_as_they_are_written() -> None:
    legs = [("webhook", 3), ("the same", None), ("webhook", None)]

    assert read_legs(write_legs(legs)) == legs


def test_code_in_which_nothing_dies_is_named() -> None:
    missing = never_reached(set())
    everything = {
        f"{path.relative_to(ROOT).as_posix()}:{line}" for path in WATCHED for line in range(1, 1000)
    }

    assert any(re.fullmatch(r"payments/ladder\.py:\d+ climb\(\)", each) for each in missing)
    assert any(re.fullmatch(r"payments/ladder\.py:\d+ update_one", each) for each in missing)
    assert never_reached(everything) == []


def test_the_document_shows_each_guard_by_a_schedule_that_is_there() -> None:
    text = DOCUMENT.read_text("utf-8")
    shown = [read_schedule(line) for line in re.findall(r"SCHEDULE='([^']+)'`", text)]

    assert {each.guard for each in shown} == set(runs.guards())
    assert {each.story for each in shown} <= set(runs.stories())
