"""``make demo``: what a newcomer runs to see the project work without a browser."""

import subprocess
import sys

import pytest

from tests.providers import cases
from tools.demo.scenarios import scenarios_of

from .test_run import ROOT

SCENARIOS = [(name, each) for name, case in cases().items() for each in scenarios_of(case)]
COMMON = {
    "paid",
    "page expires",
    "tab closed after paying",
    "webhook lost",
    "webhook twice",
    "webhook forged",
    "webhook before the page",
    "503 on create",
    "create call hangs",
}


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.demo", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=460,
    )


@pytest.mark.parametrize("name", cases())
def test_every_provider_has_the_common_scenarios_and_no_title_twice(name: str) -> None:
    titles = [each.title for each in scenarios_of(cases()[name])]

    assert set(titles) >= COMMON
    assert len(set(titles)) == len(titles)


@pytest.mark.timeout(480)
def test_each_scenario_is_a_line_with_its_outcome() -> None:
    """B1, B2, D8, E1: forged, wrong, doubled, reordered and lost webhooks of all providers."""
    ended = demo()

    assert ended.returncode == 0, ended.stdout
    *lines, last = ended.stdout.splitlines()
    assert [line.endswith("as expected") for line in lines] == [True] * len(SCENARIOS)
    assert last == f"{len(SCENARIOS)} of {len(SCENARIOS)} scenarios ended as expected."


def test_a_provider_that_is_not_there_is_said() -> None:
    ended = demo("paypal")

    assert ended.returncode == 2
    assert f"No such provider: paypal. There are {', '.join(cases())}." in ended.stderr


def test_it_needs_nothing_that_only_the_tests_need() -> None:
    """A newcomer runs it with ``requirements.txt`` alone."""
    code = "import sys, tools.demo.__main__ as demo; demo.cases(); print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr
    assert not {"pytest", "responses", "hypothesis", "playwright"} & set(ended.stdout.split())
