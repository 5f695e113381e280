"""The bench: short runs of it, and that it notices what is not as it must be."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from database import db
from models import Order
from tests.usual import PROVIDER
from tools.bench import ceilings, cpu, growth, load, report
from tools.bench.__main__ import main
from tools.bench.plot import bars
from tools.bench.results import Found, Results, quantiles
from tools.bench.rows import Row, Sent, WrongAnswer, one, rows
from tools.bench.served import Served, served
from tools.bench.shop import SETTINGS

BY_NAME = {each.name: each for each in rows()}
#: The most statements that a request may take, beside BEGIN.
STATEMENTS = {"shelf": 1, "product": 1, "cart": 1, "checkout": 1, "add": 1, "waiting": 1}


@pytest.fixture(scope="module")
def here() -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        for name in (*SETTINGS, "BASE_URL", "DATABASE_URL", "JOBS_URL", "BENCH_PROVIDER_URL"):
            patch.setenv(name, "")  # and as it was, afterwards
        with served("sqlite") as found:
            yield found


@pytest.mark.parametrize("name", ["shelf", "pay", f"webhook-{PROVIDER}", "one-order-64"])
def test_a_row_is_sent_over_http_and_each_answer_looked_at(here: Served, name: str) -> None:
    row = BY_NAME[name]

    measured = load.send(here.url, row, row.make(here.shop, 100), 1)

    assert measured.rate > 0


@pytest.mark.parametrize("name", [each.name for each in rows() if not each.calls_out])
def test_each_row_costs_no_more_statements_than_it_must(here: Served, name: str) -> None:
    cost = cpu.measure(here.shop, BY_NAME[name], count=5)

    assert cost.times_bare > 0
    assert cost.statements <= STATEMENTS.get(name, 17)


@pytest.mark.parametrize(
    "row",
    [
        replace(BY_NAME["shelf"], status=404),
        replace(BY_NAME["shelf"], holds="what no page says"),
    ],
    ids=["status", "body"],
)
def test_an_answer_that_is_fast_and_wrong_is_a_failure(here: Served, row: Row) -> None:
    with pytest.raises(WrongAnswer, match="shelf"):
        load.send(here.url, row, row.make(here.shop, 1), 1)
    with pytest.raises(WrongAnswer, match="shelf"):
        cpu.measure(here.shop, row, count=1)


def test_a_server_that_is_not_there_is_a_failure(here: Served) -> None:
    row = Row("gone", "", None, one("/"))

    with pytest.raises(WrongAnswer, match="gone"):
        load.send("http://127.0.0.1:1", row, [Sent("GET", "/", {})], 1)


def test_commits_are_counted(tmp_path: Path) -> None:
    assert ceilings.durable_commits(f"sqlite:///{tmp_path}/commits.db") > 0


def test_the_page_is_written_from_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = Results("2026-01-02", {"Python": "3.11"}, 4000.0, {"sqlite": 300.0})
    met = Found("shelf", 0.45, {"sqlite": [0.4, 0.5, 0.6]}, {"sqlite": [9.0]}, 12.0, 1)
    missed = Found("cart", 0.45, {"sqlite": [0.1]}, {"sqlite": [9.0]})
    results.rows = {"shelf": met, "cart": missed}
    results.steady = {"sqlite": [0.01, 0.02, 0.03]}
    results.truth = {"sqlite": {"told": [0.5, 1.0], "lost": [3.0, 4.0]}}
    page = tmp_path / "performance.md"
    page.write_text(report.PAGE.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "PLOT", tmp_path / "plot.svg")

    report.write(results)
    report.write(results)

    text = page.read_text("utf-8")
    assert text.count("| shelf | 0.45 | **0.500** | – | 9 | 12.0 | 1 |") == 1
    assert "| cart | 0.45 | 0.100 | – | 9 | – | – |" in text
    assert "300 on SQLite" in text
    assert "half within 20 ms" in text
    assert (tmp_path / "plot.svg").read_text("utf-8") == bars(results)


def test_names_are_listed_and_an_unknown_one_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--list"])
    assert main() == 0
    assert capsys.readouterr().out.split() == [*BY_NAME, "truth", "steady", "growth"]

    monkeypatch.setattr(sys, "argv", ["bench", "--rows", "nothing"])
    assert main() == 2
    assert "shelf" in capsys.readouterr().out


def test_a_history_is_copied_and_each_request_measured_beside_it(here: Served) -> None:
    few = [each for each in growth.EVERY if each.name in ("metrics", f"webhook-{PROVIDER}")]

    found = growth.measure(here, 2_000, few, part=1)

    assert {*found} == {"metrics", f"webhook-{PROVIDER}", "sweep"}
    assert all(each > 0 for each in found.values())
    with here.shop.app_context():
        paid = db.session.scalar(select(func.count(Order.id)).where(Order.status == "paid"))
    assert paid is not None
    assert paid >= 2_000
    shown = report.growth({"sqlite": {1000: {"shelf": 2.0}, 2000: {"shelf": 3.0}}})
    assert "| shelf | 2.00 | 1.50 |" in shown


def test_quantiles_are_said_in_the_unit_that_fits() -> None:
    assert quantiles([0.001, 0.002, 0.003]) == (
        "half within 2 ms, 99 of 100 within 2 ms, the slowest 3 ms"
    )
    assert quantiles([0.5, 1.0, 2.5]).startswith("half within 1.0 s")
