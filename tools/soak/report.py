"""What came of it, for the terminal and as JSON."""

import textwrap
from collections import Counter
from typing import Any

from models import Payment
from tools.audit import Books


def outcomes(books: Books) -> dict[str, dict[str, int]]:
    """By provider: how many orders ended in which way."""
    found: dict[str, Counter[str]] = {}
    attempts: dict[str, list[Payment]] = {order.id: [] for order in books.orders}
    for each in sorted(books.payments, key=lambda payment: payment.attempt):
        attempts[each.order_id].append(each)
    for order in books.orders:
        last = attempts[order.id][-1] if attempts[order.id] else None
        payment = next((each for each in attempts[order.id] if each.id == order.paid_by), last)
        word = order.status
        if order.status == "held":
            word = f"held for {order.held_code}"
        elif order.status == "open" and payment:
            word = payment.status
        found.setdefault(payment.provider if payment else "none", Counter())[word] += 1
    return {name: dict(counts) for name, counts in sorted(found.items())}


def credit(books: Books) -> dict[str, int]:
    """How many gift cards there are, and what became of the orders that they were to pay."""
    spent = [use for use in books.uses if use.status == "spent"]
    whole = sum(
        books.order[use.order_id].credit == books.order[use.order_id].total for use in spent
    )
    found = Counter({"cards": len(books.credits), "orders paid whole": whole})
    found |= Counter({"orders paid in part": len(spent) - whole})
    found |= Counter({"cards withdrawn": sum(card.withdrawn for card in books.credits)})
    found += Counter(f"orders {use.status}" for use in books.uses if use.status != "spent")
    return dict(found)


def say(report: dict[str, Any]) -> None:
    rest = report["rested_after_seconds"]
    print(  # noqa: T201
        f"\n{report['purchases']} purchases in {report['seconds']} s, "
        f"{report['purchases_per_second']} a second, on {report['database']}; "
        f"{f'at rest after {rest} s more' if rest else 'and never at rest'}\n"
    )
    for name, counts in report["orders"].items():
        _say_counts(name, counts)
    for title in (
        "payments",
        "credit",
        "without_order",
        "kills",
        "happenings",
        "faults",
        "receipts",
        "answers_500",
    ):
        _say_counts(title.replace("_", " "), report[title])
    violations = report["violations"]
    for each in violations:
        print(f"  {each['rule']}: {each['about']} {each['reason']}")  # noqa: T201
    print(f"\n{len(violations)} violations, seed {report['seed']}.")  # noqa: T201


def _say_counts(title: str, counts: dict[str, int]) -> None:
    """The most frequent first, on as many lines as it takes."""
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    words = ", ".join(
        f"{count} {name}".replace(" ", "\N{NO-BREAK SPACE}") for name, count in ordered
    )
    indent = " " * 18
    text = textwrap.fill(words or "none", 96, initial_indent=indent, subsequent_indent=indent)
    print(f"  {title:<16}{text[18:]}".replace("\N{NO-BREAK SPACE}", " "))  # noqa: T201
