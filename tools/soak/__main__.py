"""Killed anywhere: many purchases, with everything going wrong, and then an audit: ``make soak``.

Runs shop, job workers and sandbox as processes of their own and lets shoppers buy from all
providers over real HTTP, while webhooks are lost, doubled, delayed, reordered and forged, providers
fail and hang, money leaves again at their side, and processes are killed by SIGKILL. In the end
nothing fails any more; when all has come to rest, ``audit`` compares the sandbox's ledger with the
shop's books.
"""

import argparse
import json
import logging
import secrets
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.audit import Books, Violation, audit
from tools.soak.plan import make_plan
from tools.soak.processes import running
from tools.soak.report import credit, outcomes, say
from tools.soak.rush import Rush

PATIENCE = 120.0  # seconds for everything to come to rest, and more where there was much to do


def main() -> int:
    arguments = _arguments()
    # That processes are gone for a while is what this is about; the progress stays readable.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    print(f"Seed {arguments.seed}: the same one plans the same purchases and kills.")  # noqa: T201
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        report = soak(arguments)
    except KeyboardInterrupt:
        print("\nStopped before the audit.", file=sys.stderr)  # noqa: T201
        return 130
    arguments.report.parent.mkdir(parents=True, exist_ok=True)
    arguments.report.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    say(report)
    print(f"Written to {arguments.report}")  # noqa: T201
    return 1 if report["violations"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.soak",
        description=(__doc__ or "").partition("\n")[0],
        epilog="A seed decides what every shopper does, every fault, and who is killed when; how "
        "the processes interleave is up to the machine, so two runs with one seed are alike, not "
        "equal. Ctrl-C stops the shoppers; what was done by then is audited.",
    )
    add = parser.add_argument
    add("--purchases", type=int, default=300, help="how many (default: 300)")
    add("--minutes", type=float, default=3, help="to spread them over, at least (default: 3)")
    add("--seed", type=int, default=secrets.randbelow(10**6), help="default: a random one")
    add("--database", choices=("sqlite", "postgresql"), default="sqlite", help="default: sqlite")
    add("--report", type=Path, default=Path("build/soak.json"), help="default: build/soak.json")
    return parser.parse_args()


def soak(arguments: argparse.Namespace) -> dict[str, Any]:
    """All of it; returns the report."""
    log = arguments.report.with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with running(arguments.database, log) as processes:
        plan = make_plan(arguments.seed, arguments.purchases, processes.settings)
        processes.restock(plan)
        rush = Rush(processes, plan, arguments.seed, arguments.minutes * 60)
        rush.start()
        ended = processes.ended_by_themselves()
        print("All purchases are made. Now everything that is owed is done …", flush=True)  # noqa: T201
        rested_after = processes.come_to_rest(PATIENCE + len(plan) / 20)
        books = processes.books()
        return {
            "seed": arguments.seed,
            "database": arguments.database,
            "purchases": rush.done,
            "seconds": round(rush.seconds, 1),
            "purchases_per_second": round(rush.done / rush.seconds, 2),
            "rested_after_seconds": rested_after and round(rested_after, 1),
            "orders": outcomes(books),
            "without_order": dict(rush.without_order),
            "kills": dict(rush.kills),
            "happenings": dict(rush.merchant.happened),
            "faults": dict(sorted(rush.faults.items())),
            "payments": {
                "taken": len(books.taken),
                "noted for a person": sum(bool(payment.problem) for payment in books.payments),
                "refunded": sum(payment.refunded > 0 for payment in books.payments),
            },
            "credit": credit(books),
            "receipts": {
                "sent": len(books.letters),
                "sent again": books.letters.total() - len(books.letters),
            },
            "answers_500": dict(rush.answers_500),
            "violations": [asdict(each) for each in _judge(books, rested_after, ended)],
        }


def _judge(books: Books, rested_after: float | None, ended: list[str]) -> list[Violation]:
    found = audit(books)
    if rested_after is None:
        found.append(Violation("everything_comes_to_rest", "the shop", "is still at work"))
    found += [Violation("nothing_ends_by_itself", name, "ended, see the log") for name in ended]
    return found


if __name__ == "__main__":
    sys.exit(main())
