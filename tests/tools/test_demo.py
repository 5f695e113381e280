"""``make demo``: what somebody runs to see the project work without a browser."""

import subprocess
import sys

import pytest

from providers import PROVIDERS
from tools.demo import SCENARIOS

from .test_run import ROOT


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.demo", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=220,
    )


def test_every_provider_has_scenarios() -> None:
    assert {each.provider for each in SCENARIOS} == set(PROVIDERS)


@pytest.mark.timeout(240)
def test_each_scenario_is_a_line_with_its_outcome() -> None:
    """B1, B2, D8, E1: forged, wrong, doubled, reordered and lost webhooks of all five."""
    ended = demo()

    assert ended.returncode == 0, ended.stdout
    *lines, last = ended.stdout.splitlines()
    assert [line.endswith("as expected") for line in lines] == [True] * len(SCENARIOS)
    assert last == f"{len(SCENARIOS)} of {len(SCENARIOS)} scenarios ended as expected."


def test_a_provider_that_is_not_there_is_said() -> None:
    ended = demo("paypal")

    assert ended.returncode == 2
    assert "No such provider: paypal. There are mintcash" in ended.stderr
