"""What was found, for the terminal and for ``docs/exploring.md``."""

import re
from pathlib import Path
from typing import Any

from tools.explore.guards import GUARDS, Guard
from tools.explore.points import ROOT
from tools.explore.runs import Broken, Explored

DOCUMENT = ROOT / "docs" / "exploring.md"
#: What happens in every scenario, and leads to nothing that a guard is about.
IDLE = (
    *("claim_task", "retry_silent", "_forget()", "forget_old", "_claim_page", "_abandon"),
    *(
        "find_or_add_customer",
        "INSERT order_lines",
        "_finish",
        "send_receipt",
        "worker rests",
        "do_task",
    ),
)
LISTED = 60  # steps of a schedule on the terminal
MOST = 14  # steps of a guard's schedule in the document
TABLE = re.compile(r"(<!-- explored: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


class Progress:
    """A line for each story as it is done."""

    def __init__(self, count: int) -> None:
        self.count, self.done = count, 0

    def __call__(self, each: Explored) -> None:
        self.done += 1
        print(f"{self.done:4}/{self.count} {_outcome(each)}", flush=True)  # noqa: T201


def _outcome(each: Explored) -> str:
    if each.kind == "guard":
        found = f"found by {each.broken[0].schedule}" if each.broken else "breaks nothing"
        return f"without “{each.name}”: {found}"
    tried = f"{each.tries} {'deaths' if each.kind == 'scenario' else 'schedules'}"
    return f"{each.name}: {tried}, {len(each.broken) or 'nothing'} broken ({each.seconds} s)"


def say_schedule(found: Broken) -> None:
    print(f"\n{found.schedule}")  # noqa: T201
    left_out = max(len(found.steps) - LISTED, 0)
    if left_out:
        print(f"  ({left_out} steps before these)")  # noqa: T201
    for number, step in enumerate(found.steps[left_out:], left_out + 1):
        print(f"  {number:2}. {step}")  # noqa: T201
    for sentence in found.what or ["Nothing is broken."]:
        print(f"  → {sentence}")  # noqa: T201


def say_all(told: dict[str, Any], path: Path) -> int:
    """Everything that is wrong, then the sums; the exit status."""
    explored = told["explored"]
    wrong = [each for each in explored if each["kind"] != "guard" and each["broken"]]
    unseen = [each["name"] for each in explored if each["kind"] == "guard" and not each["broken"]]
    for each in wrong:
        for found in each["broken"]:
            say_schedule(Broken(**found))
    for name in unseen:
        print(f"\nWithout “{name}” nothing breaks: the explorer does not see that guard.")  # noqa: T201
    for place in told["never reached"]:
        print(f"\nNothing has died in {place}.")  # noqa: T201
    scenarios = [each for each in explored if each["kind"] == "scenario"]
    meetings = [each for each in explored if each["kind"] == "meeting"]
    print(  # noqa: T201
        f"\nOn {told['database']}, in {told['seconds']} s: {len(scenarios)} scenarios with "
        f"{_sum(scenarios, 'points')} points, {_sum(scenarios, 'tries')} deaths, of which "
        f"{_sum(scenarios, 'followed')} left something new; {len(meetings)} meetings in "
        f"{_sum(meetings, 'tries')} schedules, {_sum(meetings, 'waits')} waits, "
        f"{_sum(meetings, 'deadlocks')} deadlocks; "
        f"{sum(each['kind'] == 'guard' for each in explored)} guards taken away. "
        f"{sum(len(each['broken']) for each in wrong)} violations.\nWritten to {path}"
    )
    return 1 if wrong or unseen or told["never reached"] else 0


def _sum(rows: list[dict[str, Any]], key: str) -> int:
    return sum(row[key] for row in rows)


# ------------------------------------------------------------------ docs/exploring.md


def write_docs(told: dict[str, Any]) -> None:
    """The tables of this database, of what was explored; the others stay as they are."""
    kinds = {each["kind"] for each in told["explored"]}
    tables = {}
    if "guard" in kinds:
        tables[f"guards_{told['database']}"] = _guards(told["explored"], told["database"])
    if kinds & {"scenario", "meeting"}:
        tables[f"counts_{told['database']}"] = _counts(told)

    def fill(block: re.Match[str]) -> str:
        table = tables.get(block["name"])
        return f"{block[1]}\n{table}\n\n{block[3]}" if table else block[0]

    DOCUMENT.write_text(TABLE.sub(fill, DOCUMENT.read_text("utf-8")), "utf-8")


def _guards(explored: list[dict[str, Any]], database: str) -> str:
    """A table of what each guard is for, and below it the schedules."""
    found = {each["name"]: each["broken"] for each in explored if each["kind"] == "guard"}
    shown = [
        (guard, found[guard.name][0])
        for guard in GUARDS
        if guard.databases[0] == database and found.get(guard.name)
    ]
    rows = [["guard", "where", "rule of the README", "without it"]]
    for guard, _ in shown:
        link = f"[{guard.name}](#{_anchor(guard.name)})"
        rows.append([link, f"`{guard.where}`", guard.rule, guard.lost])
    return "\n\n".join([_table(rows), *(_shown(guard, broken) for guard, broken in shown)])


def _shown(guard: Guard, broken: dict[str, Any]) -> str:
    steps = "\n".join(f"{n}. {step}" for n, step in enumerate(_short(broken["steps"]), 1))
    ends = "\n".join(f"- {each}" for each in broken["what"][:2])
    return (
        f"### {guard.name[0].upper()}{guard.name[1:]}\n\nWithout it: {guard.lost}.\n\n{steps}\n\n"
        f"Then:\n\n{ends}\n\n`make explore SCHEDULE='{broken['schedule']}'`"
    )


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^a-z0-9-]", "", heading.lower().replace(" ", "-"))


def _short(steps: list[str]) -> list[str]:
    """Up to the death, without what a worker does when there is nothing to do."""
    kept: list[str] = []
    for step in steps:
        is_news = not kept or kept[-1] != step
        if is_news and not any(word in step for word in IDLE):
            kept.append(step)
        if "the process is killed" in step:
            break
    return kept[-MOST:]


def _counts(told: dict[str, Any]) -> str:
    rows = [["", "points", "tried", "followed to the end", "waits", "deadlocks", "seconds"]]
    for each in told["explored"]:
        if each["kind"] != "guard":
            values = (each["points"], each["tries"], each["followed"], each["waits"])
            rows.append(
                [each["name"], *map(str, values), str(each["deadlocks"]), str(each["seconds"])]
            )
    return _table(rows)


def _table(rows: list[list[str]]) -> str:
    head, *rest = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *rest])
