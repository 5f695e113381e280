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


FAULTS = (
    Fault("payment", "none", "No fault", "What is entered on the page decides."),
    Fault("payment", "decline", "Decline", "Any card is declined."),
    Fault("payment", "three_d_secure", "3-D Secure", "Any card is challenged by “your bank”."),
    Fault(
        "payment",
        "close_tab",
        "Close the tab",
        "The payment succeeds, but the browser is not sent back to the shop.",
    ),
    Fault("payment", "expire", "Expire now", "The page expires at this moment; nothing is paid."),
    Fault(
        "payment",
        "pay_late",
        "Pay late",
        "The page expires now, and a while later the payment succeeds after all.",
    ),
    Fault(
        "payment",
        "pay_twice",
        "Pay twice",
        "One payment reports success twice, as two events with different ids.",
    ),
    Fault("delivery", "none", "No fault", "Webhooks are sent at once, and as they should be."),
    Fault("delivery", "delay", "Delay", "Each webhook is sent a while later."),
    Fault("delivery", "drop", "Drop", "No webhook is ever sent."),
    Fault("delivery", "duplicate", "Duplicate", "Each webhook is sent twice, at the same time."),
    Fault(
        "delivery",
        "reorder",
        "Reorder",
        "The final webhook is sent first, the earlier ones right after it.",
    ),
    Fault(
        "delivery",
        "overtaken",
        "Overtaken",
        "Webhooks wait until the money has gone back (a refund, a void, a chargeback, a failure), "
        "and are sent right after the webhook that says so.",
    ),
    Fault(
        "delivery",
        "tamper",
        "Tamper",
        "Something is changed after signing, so the proof does not fit.",
    ),
    Fault(
        "delivery",
        "wrong_environment",
        "Wrong environment",
        "Correctly signed, but says it comes from the live environment.",
    ),
    Fault(
        "delivery", "wrong_amount", "Wrong amount", "Correctly signed, but for an amount of 0.01."
    ),
    Fault(
        "delivery",
        "no_amount",
        "No amount",
        "Correctly signed, but every amount is left out.",
    ),
    Fault(
        "delivery",
        "null_amount",
        "Null amount",
        "Correctly signed, but every amount is null; blank in a form.",
    ),
    Fault(
        "delivery", "wrong_currency", "Wrong currency", "Correctly signed, but in another currency."
    ),
    Fault(
        "delivery",
        "replay_other_order",
        "Replay on another order",
        "Correctly signed, but carries the merchant's id of the newest other payment that is still "
        "open (failing that, of any other).",
    ),
    Fault("create", "none", "No fault", "The API does what it is asked."),
    Fault(
        "create",
        "timeout_before",
        "Time-out, nothing done",
        "The call hangs, and no payment is made.",
    ),
    Fault(
        "create",
        "timeout_after",
        "Time-out, payment made",
        "The payment is made, then the call hangs.",
    ),
    Fault("create", "401", "401 Unauthorized", "The keys are refused."),
    Fault("create", "500", "500 Internal error", "No payment is made."),
    Fault("create", "502", "502 Bad gateway", "No payment is made."),
    Fault("create", "503", "503 Unavailable", "No payment is made."),
    Fault("create", "html", "HTML for JSON", "Status 200 with a web page in place of the answer."),
    Fault(
        "create",
        "foreign_redirect",
        "Foreign page",
        "The payment is made, but its hosted page is said to be on an unknown host.",
    ),
    Fault(
        "create",
        "early_webhook",
        "Early webhook",
        "The payment is made and paid, and the webhook sent, before the call is answered.",
    ),
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
