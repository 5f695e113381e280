"""MintCash's subscriptions: charged once on the hosted page, then by the clock.

Documentation: docs/api/subscriptions, docs/concepts/{subscriptions,retries},
docs/guides/set-up-subscription.

A subscription is the row of its first charge, with ``details["subscription"]``; each later charge
that succeeds is a row of its own.
"""

from datetime import UTC, datetime
from typing import Any

from .. import clock, kit
from ..clock import timestamp
from ..kit import Action, cards, commit
from ..kit.fields import must
from ..models import Delivery, Payment
from . import (
    CONFLICT,
    CREATE,
    TELLS,
    answered,
    api,
    is_minor,
    new,
    page_of,
    payload_sent,
    provider,
    send,
)

DAY = 86400  # seconds
RETRY_DAYS = (1, 3, 5, 7)  # docs/concepts/retries, each after the attempt before; then cancelled
ENDED = ("cancelled", "failed")

CREATE_SUBSCRIPTION = {
    **{name: rule for name, rule in CREATE.items() if name != "customer!"},
    "customer": CREATE["customer!"],
    "billingIntervalDays!": must(is_minor, "{} is not a positive whole number of days."),
}


@api.post("/subscriptions")
def create_subscription() -> Any:
    """Make one, with a hosted page for its first charge. Errors: 400, 401, 409."""

    def make() -> Payment:
        payload = payload_sent(CREATE_SUBSCRIPTION)
        return provider.once(payload["externalId"], payload, lambda: _new(payload), CONFLICT)

    def reply(first: Payment, page: str) -> dict[str, Any]:
        return answered("subscription", shown(first), page)

    return provider.create(make, page_of, reply)


@api.get("/subscriptions/<reference>")
def retrieve_subscription(reference: str) -> dict[str, Any]:
    """One subscription. Errors: 401, 404."""
    return shown(_found(reference))


@api.delete("/subscriptions/<reference>")
def delete_subscription(reference: str) -> dict[str, Any]:
    """Cancel it at once. Errors: 401, 404, 409."""
    first = _found(reference)
    if status_of(first) in ENDED:
        raise kit.Refused(409, "It is over already.", code="failed_precondition")
    cancel(first)
    commit()
    return shown(first)


def _new(payload: dict[str, Any]) -> Payment:
    subscription = {
        "days": int(payload["billingIntervalDays"]),
        "made": clock.now(),
        "status": None,  # that of the row, until it is paid
        "start": None,  # of the current period, in seconds by the clock
        "retries": 0,
        "declines": False,  # whatever the card
    }
    return new(payload, subscription=subscription)


def _found(reference: str) -> Payment:
    """:raise Refused: 404, also where it is a payment, or a later charge."""
    first = provider.found(reference)
    if "days" not in first.details.get("subscription", {}):
        raise provider.refused(404)
    return first


def status_of(first: Payment) -> str:
    return str(first.details["subscription"]["status"] or first.status)


def shown(first: Payment) -> dict[str, Any]:
    """A subscription as the API shows it (docs/api/subscriptions), its sum in *major* units."""
    now = first.details["subscription"]
    start = now["start"]
    end = None if start is None else start + now["days"] * DAY
    reply = {
        "id": first.reference,
        "externalId": first.external_id,
        "status": status_of(first),
        "amount": kit.number(first.amount),
        "currency": first.currency,
        "billingIntervalDays": now["days"],
        "currentPeriodStart": _wire(first, start),
        "currentPeriodEnd": _wire(first, end),
        "redirectUrl": page_of(first),
        "createdAt": first.created_at,
    }
    code = first.details["failureCode"]
    return reply | ({"failureCode": code, "failureMessage": None} if code else {})


def _unix(first: Payment, at: float) -> int:
    """A moment of the clock: as long after the subscription was made as the clock says."""
    made = datetime.fromisoformat(first.created_at).timestamp()
    return int(made + at - first.details["subscription"]["made"])


def _wire(first: Payment, at: float | None) -> str | None:
    return None if at is None else timestamp(at=datetime.fromtimestamp(_unix(first, at), UTC))


def _change(first: Payment, **changes: Any) -> None:
    first.details["subscription"] = first.details["subscription"] | changes


# --- What happens to it: docs/concepts/subscriptions. The caller commits. -----------------------

_pay_once = provider.pay


@provider.pays
def succeed(payment: Payment) -> list[Delivery]:
    """The first charge begins the first period; anything else is a payment."""
    if "subscription" in payment.details:
        _change(payment, status="active", start=clock.now())
    sent = _pay_once(payment)
    if "subscription" in payment.details:
        payment.timer = clock.now() + payment.details["subscription"]["days"] * DAY
        payment.details["recurs"] = True
    return sent


@provider.ends_refunds
def renew(first: Payment, _amount: int = 0) -> None:
    """The period is over, or a retry is due: charged again, or declined."""
    if status_of(first) not in ("active", "past_due"):
        return
    now = first.details["subscription"]
    code = "declined" if now["declines"] else "card_expired" if _card_is_over(first) else None
    if code is None:
        _charge(first)
    elif now["retries"] == len(RETRY_DAYS):
        cancel(first)
    else:
        first.timer = clock.now() + RETRY_DAYS[now["retries"]] * DAY
        first.details["failureCode"] = code
        _change(first, status="past_due", retries=now["retries"] + 1)
        _tell(first, first, "failed")


def _charge(first: Payment) -> None:
    now = first.details["subscription"]
    start = now["start"] + now["days"] * DAY
    first.timer = start + now["days"] * DAY
    first.details["failureCode"] = None
    _change(first, status="active", start=start, retries=0)
    charge = provider.new(
        reference=f"{first.reference}@{_unix(first, start)}",
        external_id=None,
        amount=first.amount,
        currency=first.currency,
        return_url="",
        lifetime=None,
        details={"subscription": {"first": first.reference}},
    )
    charge.status = "succeeded"
    if charge.delivery_fault == "none":
        charge.delivery_fault = first.delivery_fault
    _tell(first, charge, "succeeded")


def cancel(first: Payment, _amount: int = 0) -> None:
    if status_of(first) in provider.open_in:
        first.status, first.details["step"] = "failed", "done"
    _change(first, status="cancelled")
    first.timer = None
    _tell(first, first, "cancelled")


def _card_is_over(first: Payment) -> bool:
    card = first.details["card"]
    expiry = f"{card['expMonth']}/{card['expYear']}" if card else "12/99"
    return cards.is_over(expiry, datetime.fromtimestamp(_unix(first, clock.now()), UTC).date())


def _tell(first: Payment, row: Payment, word: str) -> list[Delivery]:
    """``row``: the charge that it is about, whose faults spoil the webhook."""
    long = provider.settings.sandbox_mintcash_subscription_events == "long"
    prefix = "payment_" if long and word != "cancelled" else ""
    return send(row, "subscription", prefix + word, shown(first))


def _tell_status(first: Payment) -> list[Delivery]:
    """Of its first charge, as the page or the clock has ended it."""
    is_over = first.status in ("succeeded", "failed")
    return _tell(first, first, first.status) if is_over else []


TELLS["subscription"] = _tell_status


def _if(*states: str, declines: bool | None = None) -> Any:
    """What of a subscription an action is about: its price, while it stands so."""

    def at_most(payment: Payment) -> int:
        now = payment.details.get("subscription", {})
        fits = declines in (None, now.get("declines"))
        return payment.amount if fits and "days" in now and now["status"] in states else 0

    return at_most


def _set_declines(first: Payment, _amount: int) -> None:
    _change(first, declines=not first.details["subscription"]["declines"])


RUNS = ("active", "past_due")
provider.actions = (
    *provider.actions,
    Action(
        "renew",
        "A month later",
        "The next charge is due, or the next retry. Told as subscription.succeeded or .failed, and "
        "after the fourth retry as .cancelled.",
        _if(*RUNS),
        renew,
    ),
    Action(
        "decline",
        "Decline its charges",
        "From now on, as if the card were empty.",
        _if(*RUNS, declines=False),
        _set_declines,
    ),
    Action(
        "accept",
        "Accept its charges",
        "The next retry succeeds.",
        _if(*RUNS, declines=True),
        _set_declines,
    ),
    Action(
        "cancel_subscription",
        "Cancel it on the dashboard",
        "At once; told as subscription.cancelled.",
        _if(*RUNS),
        cancel,
    ),
)
