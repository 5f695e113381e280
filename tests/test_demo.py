"""``make demo``: what somebody runs to see the project work without a browser."""

import subprocess
import sys

from demo import SCENARIOS
from providers import PROVIDERS
from tests.test_run import ROOT


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "demo.py", *arguments], capture_output=True, text=True, timeout=110
    )


def test_every_provider_has_scenarios() -> None:
    assert {each.provider for each in SCENARIOS} == set(PROVIDERS)


def test_each_scenario_is_a_line_with_its_outcome() -> None:
    """One provider here; the browser tests and ``make demo`` walk the others."""
    wanted = [each for each in SCENARIOS if each.provider == "handcash"]

    ended = demo("handcash")

    assert ended.returncode == 0, ended.stdout
    lines = ended.stdout.splitlines()
    assert [line.endswith("as expected") for line in lines[:-1]] == [True] * len(wanted)
    assert lines[-1] == f"{len(wanted)} of {len(wanted)} scenarios ended as expected."


def test_a_provider_that_is_not_there_is_said() -> None:
    ended = demo("paypal")

    assert ended.returncode == 2
    assert "No such provider: paypal. There are mintcash" in ended.stderr
