"""``make contract PROVIDER=acme``: what a provider still lacks, in the order to work it off.

Runs the tests that apply to one provider, a stage after the other, and prints those that fail. A
test's name is the sentence; its last line says what was found. Stops after the first stage that
fails, since the next ones build on it; ``--all`` goes on.
"""

import argparse
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from providers import PROVIDERS

ROOT = Path(__file__).parent.parent
LONGEST = 300  # characters of a reason
#: What is built first, and the files of tests that say whether it is there.
STAGES = {
    "Its folders and the contract: page, webhook, truth on request, failures": ("tests/providers",),
    "Its settings: what is refused in live": (
        "tests/test_config.py",
        "tests/security/test_live.py",
    ),
    "What proves its news, attacked": ("tests/security",),
    "Its imitation in the sandbox": ("tests/sandbox",),
    "The shop with it, from the button to the parcel": (
        "tests/payments",
        "tests/stories",
        "tests/tools/test_demo.py",
    ),
    "Its page in a browser": ("tests/browser",),
    'How it is used with a real account: docs/providers/, "With a real account"': (
        "tests/tools/test_provider_pages.py",
    ),
    "What `make docs` writes about it, and the shape of its files": (
        "tests/test_docs.py",
        "tests/test_shape.py",
    ),
}


@dataclass(frozen=True)
class Failure:
    """A test that does not hold."""

    sentence: str
    found: str


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("provider")
    parser.add_argument("--all", action="store_true", help="all stages, whatever fails before")
    arguments = parser.parse_args()
    name = arguments.provider
    if name not in PROVIDERS:
        there = ", ".join(PROVIDERS)
        say(f"No such provider: {name}. There are {there}; make provider writes one.")
        return 2
    lacking = 0
    for number, (stage, files) in enumerate(STAGES.items(), 1):
        held, failures = run(name, files)
        lacking += len(failures)
        say(f"{number}. {stage}: {held} hold, {len(failures)} to do")
        for each in failures:
            say(f"   ✗ {each.sentence}\n     {each.found}")
        if failures and not arguments.all:
            say("\nThe next stages build on this one; run it again when it holds.")
            return 1
    say(f"\n{name} keeps the contract." if not lacking else f"\n{lacking} to do.")
    return 1 if lacking else 0


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def run(name: str, files: tuple[str, ...]) -> tuple[int, list[Failure]]:
    """How many tests of these files that name the provider hold, and those that do not.

    That none could be collected, or none names it, is something to do, too.
    """
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-k", name, *files]
        ended = subprocess.run(  # noqa: S603
            [*command, f"--junitxml={report.name}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        written = Path(report.name).read_text("utf-8")
    if not written:
        return 0, [Failure("its tests can be collected", reason_in(ended.stdout + ended.stderr))]
    tests = list(ElementTree.fromstring(written).iter("testcase"))  # noqa: S314 - by pytest
    if not tests:
        return 0, [Failure("its name stands in tests", f"in none of {', '.join(files)}")]
    return _sorted_out(tests, name)


def _sorted_out(cases: list[ElementTree.Element], name: str) -> tuple[int, list[Failure]]:
    failures = []
    for case in cases:
        wrong = case.find("failure") if case.find("failure") is not None else case.find("error")
        if wrong is not None:
            test = case.get("name") or case.get("classname") or ""
            failures.append(Failure(sentence_of(test, name), _found(wrong)))
    return len(cases) - len(failures), sorted(failures, key=lambda each: each.sentence)


def sentence_of(test: str, name: str) -> str:
    """``test_a_refund_is_made_once[acme-part]`` is "a refund is made once (part)"."""
    function, _, parameters = test.removesuffix("]").partition("[")
    words = function.removeprefix("test_").replace("_", " ")
    rest = [each for each in parameters.split("-") if each and each != name]
    return f"{words} ({', '.join(rest)})" if rest else words


def _found(wrong: ElementTree.Element) -> str:
    """What the test says was wrong, in one line."""
    return reason_in(wrong.text or "") or (wrong.get("message") or "").partition("\n")[0][:LONGEST]


def reason_in(output: str) -> str:
    """The first line that pytest marks as an error's, with the next where it ends in a colon."""
    said = [line[1:].strip() for line in output.splitlines() if line.startswith("E ")]
    count = 2 if said and said[0].endswith(":") else 1
    return " ".join(said[:count])[:LONGEST]


if __name__ == "__main__":
    sys.exit(main())
