"""Killed at every step, met in every order: ``make explore``."""

import argparse
import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools import postgres
from tools.explore import report, runs
from tools.explore.coverage import never_reached
from tools.explore.runs import Explored
from tools.explore.schedules import read_schedule
from tools.explore.stories import Meeting, Scenario

#: Beside every guard, what ``--short`` plays: under a minute.
SHORT = (
    "mintcash: paid by webhook",
    "mintcash: refunded",
    "wipay: paid by return",
    "two payments of one order",
    "webhook twice",
    "webhook and look-up",
    "both orders of a changed basket are paid",
)


def main() -> int:
    arguments = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        return _replay(arguments) if arguments.schedule else _explore(arguments)
    except KeyboardInterrupt:
        print("\nStopped: what was found by then is above.", file=sys.stderr)  # noqa: T201
        return 130


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.explore",
        description=(__doc__ or "").partition("\n")[0],
        epilog="docs/exploring.md says how to read what it finds. Ends with 1 if anything breaks, "
        "if a guard that is off breaks nothing, or if code that handles money was never reached.",
    )
    add = parser.add_argument
    add("--database", choices=("sqlite", "postgresql"), default="sqlite", help="default: sqlite")
    add("--only", default="", help="stories and guards whose name holds this word")
    add("--short", action="store_true", help="a few stories and every guard: under a minute")
    add("--kind", choices=("scenario", "meeting", "guard"), help="default: all three")
    add("--schedule", default="", help="play one schedule again, as it was printed")
    add("--seed", type=int, default=0, help="of the random schedules beyond two switches")
    add("--processes", type=int, default=os.cpu_count(), help="default: one a processor")
    add("--list", action="store_true", help="the names of everything, and nothing else")
    add(
        "--report",
        type=Path,
        default=Path("build/explore.json"),
        help="default: build/explore.json",
    )
    add("--write-docs", action="store_true", help="write the tables of docs/exploring.md")
    return parser.parse_args()


def _replay(arguments: argparse.Namespace) -> int:
    try:
        schedule = read_schedule(arguments.schedule)
        for name, known in ((schedule.story, runs.stories()), (schedule.guard, runs.guards())):
            if name and name not in known:
                raise ValueError(
                    f"there is no {name!r}; make explore EXPLORE_ARGS=--list names all"
                )
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    with _server(schedule.database) as url, runs.opened(schedule.database, url) as opened:
        found = runs.replay(*opened, schedule)
    report.say_schedule(found)
    return 1 if found.what else 0


def _explore(arguments: argparse.Namespace) -> int:
    work = list(_chosen(arguments))
    if not work:
        print(  # noqa: T201
            f"Nothing is called {arguments.only!r}; make explore EXPLORE_ARGS=--list names all.",
            file=sys.stderr,
        )
        return 2
    if arguments.list:
        for kind, name in work:
            print(f"{kind:9}{name}")  # noqa: T201
        return 0
    began, found = time.monotonic(), []
    print(f"{len(work)} stories on {arguments.database}; a line for each that is done.")  # noqa: T201
    say = report.Progress(len(work))
    with _server(arguments.database) as url:
        for each in _all_of(work, url, arguments):
            found.append(each)
            say(each)
    whole = not (arguments.only or arguments.kind or arguments.short)
    missing = never_reached({line for each in found for line in each.lines}) if whole else []
    told: dict[str, Any] = {
        "database": arguments.database,
        "seconds": round(time.monotonic() - began),
        "never reached": missing,
        "explored": [
            asdict(each)
            for each in sorted(found, key=lambda each: work.index((each.kind, each.name)))
        ],
    }
    for each in told["explored"]:
        del each["lines"]
    arguments.report.parent.mkdir(parents=True, exist_ok=True)
    arguments.report.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
    if arguments.write_docs:
        report.write_docs(told)
    return report.say_all(told, arguments.report)


def _chosen(arguments: argparse.Namespace) -> Iterator[tuple[str, str]]:
    kinds = {"scenario": Scenario, "meeting": Meeting}
    named = [
        (kind, name)
        for kind, type_ in kinds.items()
        for name, story in runs.stories().items()
        if isinstance(story, type_)
    ]
    named += [
        ("guard", name)
        for name, guard in runs.guards().items()
        if arguments.database in guard.databases
    ]
    for kind, name in named:
        is_short = kind == "guard" or name in SHORT or not arguments.short
        if arguments.only in name and arguments.kind in (None, kind) and is_short:
            yield kind, name


@contextmanager
def _server(database: str) -> Iterator[str]:
    with ExitStack() as stack:
        if database == "postgresql":
            yield stack.enter_context(postgres.server()).url
        else:
            yield ""


def _all_of(
    work: list[tuple[str, str]], server_url: str, arguments: argparse.Namespace
) -> Iterator[Explored]:
    """Each as it is done."""
    opening = (arguments.database, server_url)
    with ProcessPoolExecutor(arguments.processes, initializer=_open, initargs=opening) as pool:
        options = {"seed": arguments.seed, "is_short": arguments.short}
        tasks = [pool.submit(_explore_one, *each, **options) for each in work]
        try:
            for task in as_completed(tasks):
                yield task.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


_opened: Any = None
_stack = ExitStack()


def _open(database: str, server_url: str) -> None:
    """In each process of the pool: a world of its own."""
    global _opened
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the first ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _opened = _stack.enter_context(runs.opened(database, server_url))


def _explore_one(kind: str, name: str, seed: int, is_short: bool) -> Explored:
    world, beginning = _opened
    return runs.explore(world, beginning, kind, name, seed=seed, is_short=is_short)


if __name__ == "__main__":
    sys.exit(main())
