"""What can go wrong on request: one table, from which pages and checks are drawn."""

import time
from dataclasses import dataclass

from flask import abort, current_app, request

from .models import Payment, control, db
from .settings import settings


@dataclass(frozen=True)
class Fault:
    """``kind``: where it strikes: ``payment``, ``delivery`` (its webhooks) or ``create`` (the API).

    ``key`` is unique within its kind; ``none`` is in each. A provider says which it cannot suffer,
    and may have faults of its own.
    """

    kind: str
    key: str
    title: str
    sentence: str


#: What goes wrong with a payment. Key, title, and what it does.
PAYMENT = (
    ("none", "No fault", "What is entered on the page decides."),
    ("decline", "Decline", "Any card is declined."),
    ("three_d_secure", "3-D Secure", "Any card is challenged by “your bank”."),
    (
        "close_tab",
        "Close the tab",
        "The payment succeeds, but the browser is not sent back to the shop.",
    ),
    ("expire", "Expire now", "The page expires at this moment; nothing is paid."),
    (
        "pay_late",
        "Pay late",
        "The page expires now, and a while later the payment succeeds after all.",
    ),
    (
        "pay_twice",
        "Pay twice",
        "One payment reports success twice, as two events with different ids.",
    ),
)
#: With its webhooks. Key, title, and what it does.
DELIVERY = (
    ("none", "No fault", "Webhooks are sent at once, and as they should be."),
    ("delay", "Delay", "Each webhook is sent a while later."),
    ("drop", "Drop", "No webhook is ever sent."),
    ("duplicate", "Duplicate", "Each webhook is sent twice, at the same time."),
    ("reorder", "Reorder", "The final webhook is sent first, the earlier ones right after it."),
    (
        "overtaken",
        "Overtaken",
        "Webhooks wait until the money has gone back (a refund, a void, a chargeback, a "
        "failure), and are sent right after the webhook that says so.",
    ),
    ("tamper", "Tamper", "Something is changed after signing, so the proof does not fit."),
    (
        "wrong_environment",
        "Wrong environment",
        "Correctly signed, but says it comes from the live environment.",
    ),
    ("wrong_amount", "Wrong amount", "Correctly signed, but for an amount of 0.01."),
    ("no_amount", "No amount", "Correctly signed, but every amount is left out."),
    ("null_amount", "Null amount", "Correctly signed, but every amount is null; blank in a form."),
    ("wrong_currency", "Wrong currency", "Correctly signed, but in another currency."),
    (
        "replay_other_order",
        "Replay on another order",
        "Correctly signed, but carries the merchant's id of the newest other payment that is "
        "still open (failing that, of any other).",
    ),
)
#: With the API calls that make a payment. Key, title, and what it does.
CREATE = (
    ("none", "No fault", "The API does what it is asked."),
    ("timeout_before", "Time-out, nothing done", "The call hangs, and no payment is made."),
    ("timeout_after", "Time-out, payment made", "The payment is made, then the call hangs."),
    ("401", "401 Unauthorized", "The keys are refused."),
    ("500", "500 Internal error", "No payment is made."),
    ("502", "502 Bad gateway", "No payment is made."),
    ("503", "503 Unavailable", "No payment is made."),
    ("html", "HTML for JSON", "Status 200 with a web page in place of the answer."),
    (
        "foreign_redirect",
        "Foreign page",
        "The payment is made, but its hosted page is said to be on an unknown host.",
    ),
    (
        "early_webhook",
        "Early webhook",
        "The payment is made and paid, and the webhook sent, before the call is answered.",
    ),
)
FAULTS = tuple(
    Fault(kind, *row)
    for kind, rows in (("payment", PAYMENT), ("delivery", DELIVERY), ("create", CREATE))
    for row in rows
)

#: The delivery faults with which a webhook says something wrong.
LIES = ("wrong_environment", "wrong_amount", "wrong_currency")


def of_kind(kind: str) -> list[Fault]:
    """The faults of one kind, in the order in which pages offer them; a provider's own last."""
    providers = current_app.extensions["providers"].values()
    own = [fault for provider in providers for fault in provider.own_faults]
    return [fault for fault in (*FAULTS, *own) if fault.kind == kind]


def check(kind: str, key: str) -> str:
    """``key``, when it names a fault of that kind.

    :raise ValueError: it does not.
    """
    if all(key != fault.key for fault in of_kind(kind)):
        raise ValueError(f"{key!r} is no {kind} fault")
    return key


def choose(payment: Payment) -> None:
    """Apply the choice made in a page's drawer; without one, what the payment was made with stays.

    :raise 400: a fault that does not exist.
    """
    sent = request.form
    try:
        payment.fault = check("payment", sent.get("fault", payment.fault))
        payment.delivery_fault = check(
            "delivery", sent.get("delivery_fault", payment.delivery_fault)
        )
    except ValueError as error:
        abort(400, str(error))


def consume_create_fault() -> str:
    """The fault that this create call suffers; ``none`` when all that were ordered are used up.

    Ends the transaction.
    """
    row, fault = control(), "none"
    if row.create_calls > 0:
        fault = row.create_fault
        row.create_calls -= 1
    db.session.commit()
    return fault


def hang() -> None:
    """Keep a caller waiting until it has given up. The transaction ends first: others go on."""
    db.session.commit()
    time.sleep(settings().sandbox_hang_seconds)
