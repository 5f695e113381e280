"""How fast the shop is, beside the least that its stack can do.

Rounds of every row, on SQLite and on PostgreSQL, each between two looks at a bare Flask route on
the same server; CPU time in one process beside it. docs/performance.md is written at the end of a
whole run.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from contextlib import redirect_stderr
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import mean

import config
from tools.migrate import prepare_database

from . import ceilings, cpu, growth, load, report, steady, truth
from .results import Found, Results, quantiles
from .rows import Row, WrongAnswer, one, rows
from .served import Served, served
from .shop import SETTINGS, create_app

BARE = Row("bare", "bare Flask route", None, one("/"), holds="world")
TRUTH, STEADY, GROWTH = "truth", "steady", "growth"  # rows of their own kind
DATABASES = ("sqlite", "postgresql")
FASTEST = 1_500  # requests a second of a row that writes: so many are prepared
SAVED = config.ROOT / "build" / "bench.json"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--rows", default="", help="only those whose name begins so; --list shows the names")
    add("--purchases", type=int, default=500, help="for the time to truth (default: 500)")
    add("--rate", type=int, default=50, help="steady webhooks a second (default: 50)")
    add("--steady-seconds", type=int, default=60, help="they come for so long (default: 60)")
    add("--database", choices=DATABASES, help="default: one after the other")
    add("--rounds", type=int, default=3, help="of each row (default: 3)")
    add("--seconds", type=float, default=2.0, help="of each row in a round (default: 2)")
    add("--sizes", type=int, nargs="+", default=[*growth.SIZES], help="orders, for growth")
    add("--cpu", action="store_true", help="CPU time and statements only: no server is started")
    add("--list", action="store_true", help="the names of the rows, and nothing else")
    arguments = parser.parse_args()
    chosen = [each for each in rows() if each.name.startswith(arguments.rows)]
    others = [each for each in (TRUTH, STEADY) if each.startswith(arguments.rows)]
    databases = [arguments.database] if arguments.database else [*DATABASES]
    if arguments.rows == GROWTH:
        return _growth(databases, arguments.sizes)
    if arguments.list or not (chosen or others):
        print(*(each.name for each in rows()), TRUTH, STEADY, GROWTH, sep="\n")  # noqa: T201
        return 0 if arguments.list else 2
    results = Results(datetime.now(UTC).date().isoformat(), _machine(), 0.0, {})
    for row in chosen:
        results.rows[row.name] = Found(row.title, row.goal)
    try:
        _in_one_process(chosen, results)
        for database in [] if arguments.cpu else databases:
            if chosen:
                with served(database) as here:
                    _rounds(database, here, chosen, results, arguments.rounds, arguments.seconds)
            if others:
                with served(database, worker=True) as here:
                    _with_a_worker(database, here, others, results, arguments)
    except (WrongAnswer, truth.NeverShown, steady.NotPaid) as wrong:
        print(f"An answer was wrong, so nothing is measured: {wrong}", file=sys.stderr)  # noqa: T201
        return 1
    results.save(SAVED)
    if not (arguments.rows or arguments.database or arguments.cpu):
        report.write(results)
        _say("docs/performance.md is written.")
    return 0


def _in_one_process(chosen: list[Row], results: Results) -> None:
    """CPU time and statements, on SQLite: before any server takes the processors."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ.update(
            SETTINGS,
            BASE_URL="http://127.0.0.1:5000",
            DATABASE_URL=config.sqlite_url(Path(folder) / "shop.db"),
            JOBS_URL=config.sqlite_url(Path(folder) / "jobs.db"),
        )
        prepare_database(config.load())
        shop = create_app()
        for row in chosen:
            if row.calls_out:
                continue
            with (Path(folder) / "log").open("w") as log, redirect_stderr(log):
                cost = cpu.measure(shop, row)
            found = results.rows[row.name]
            found.times_bare, found.statements = cost.times_bare, cost.statements
            _say(f"{row.name}: {cost.times_bare:.1f} × bare, {cost.statements} statements")


def _rounds(
    database: str, here: Served, chosen: list[Row], results: Results, count: int, seconds: float
) -> None:
    results.commits[database] = ceilings.durable_commits(here.database_url)
    _say(f"{database}: {results.commits[database]:.0f} durable commits a second")
    before = _bare(here, seconds)
    for number in range(count):
        for row in chosen:
            found = results.rows[row.name]
            requests = row.make(here.shop, int(FASTEST * seconds) if row.writes else 1)
            here.settle()
            ours = load.send(here.url, row, requests, seconds)
            if row.writes and ours.answers >= len(requests):
                raise WrongAnswer(f"{row.name}: faster than {FASTEST}/s, prepare more")
            after = _bare(here, seconds)
            bare, before = mean([before, after]), after
            results.bare = max(results.bare, bare)
            found.ratios.setdefault(database, []).append(ours.rate / bare)
            found.p99.setdefault(database, []).append(ours.p99)
            _say(
                f"{database}, round {number + 1} of {count}: {row.name} {ours.rate:.0f}/s, "
                f"{ours.rate / bare:.3f} of bare"
            )


def _with_a_worker(
    database: str, here: Served, chosen: list[str], results: Results, wanted: argparse.Namespace
) -> None:
    if TRUTH in chosen:
        _say(f"{database}: {wanted.purchases} purchases, told and lost …")
        for way, seconds in truth.measure(here, wanted.purchases).items():
            results.truth.setdefault(database, {})[way] = seconds
            _say(f"{database}: {way}: {quantiles(seconds)}")
    if STEADY in chosen:
        _say(f"{database}: {wanted.rate} webhooks a second for {wanted.steady_seconds} s …")
        results.steady[database] = steady.measure(here, wanted.rate, wanted.steady_seconds)
        _say(f"{database}: {quantiles(results.steady[database])}")


def _growth(databases: list[str], sizes: list[int]) -> int:
    """Each request in shops of these sizes; it takes long, so it is measured by its name only."""
    found: dict[str, dict[int, dict[str, float]]] = {}
    for database in databases:
        for size in sizes:
            _say(f"{database}: {size:,} orders …")
            with served(database) as here:
                found.setdefault(database, {})[size] = growth.measure(here, size)
    print(report.growth(found))  # noqa: T201
    if databases == [*DATABASES] and len(sizes) > 1:
        report.write_growth(found)
        _say("docs/performance.md is written.")
    return 0


def _bare(here: Served, seconds: float) -> float:
    return load.send(here.bare_url, BARE, BARE.make(here.shop, 1), 1).rate


def _machine() -> dict[str, str]:
    return {
        "processors": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        **{name: version(name) for name in ("Flask", "SQLAlchemy", "gunicorn", "psycopg")},
    }


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
