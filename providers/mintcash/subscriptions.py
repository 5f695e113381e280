"""MintCash's subscriptions: the first charge on the hosted page, the later ones by MintCash.

Documentation (www.mintcash.me, read 2026-05 to 2026-11): docs/api/subscriptions,
docs/guides/set-up-subscription, docs/concepts/{subscriptions,retries}. The webhook's ``data`` is
not shown there; it is read as the answer to ``GET /subscriptions/{id}``, sums in major units.

==========================  =====================================================================
``subscription.succeeded``  the charge for a period: its amount, when the period begins and ends
``subscription.failed``     MintCash is asked: its answer says which period is unpaid, or that the
                            first charge failed, which is the end of it
``subscription.cancelled``  it is over: by a call, or after the fourth retry
==========================  =====================================================================

docs/concepts/retries calls the first two ``.payment_succeeded`` and ``.payment_failed``. A charge
has no documented id of its own, so it is refunded on the dashboard.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..contract import Checkout, Malformed, News, PaymentRequest, Rejected, Unreachable, Urls
from ..http import with_id
from ..period import Period, State
from ..proof import by_answer
from ..text import optional_text, printable, usable_id
from .api import Account, call_api, read_money
from .pages import page_payload, read_page

#: docs/concepts/webhooks/event-types, docs/concepts/retries.
SUBSCRIPTION_EVENTS = ("succeeded", "payment_succeeded", "failed", "payment_failed", "cancelled")
#: docs/api/subscriptions: their word for a subscription -> ours; "created" waits for the page.
STATES: dict[object, State] = {
    "created": "pending",
    "pending": "pending",
    "active": "active",
    "past_due": "past_due",
    "cancelled": "cancelled",
    "failed": "failed",
}
#: A date further away than this is no date: the shop lists each month up to it.
YEARS = 10
#: Before our reference, so that no payment's webhook claims what belongs to a subscription.
PREFIX = "sub-"


def start_subscription(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /subscriptions`` (docs/api/subscriptions); safe to retry, like a payment."""
    payload = page_payload(payment, urls) | {
        "externalId": PREFIX + payment.reference,
        "billingIntervalDays": payment.every_days,
    }
    return read_page(call_api(account, "POST", "/subscriptions", payload), "subscription")


def fetch_subscription(account: Account, payment: PaymentRequest) -> list[News]:
    """``GET /subscriptions/{id}``: how it stands, and the charge for its current period."""
    if payment.provider_reference is None:
        return []
    path = f"/subscriptions/{payment.provider_reference}"
    resource = with_id(payment.provider_reference, call_api(account, "GET", path))
    try:
        news = _news(resource, f"GET: {printable(resource.get('status'), 40)}", None)
    except Malformed as error:
        raise Unreachable(f"GET /subscriptions: {error}") from error
    return [replace(news, proof=by_answer(path))]


def cancel_subscription(account: Account, payment: PaymentRequest) -> list[News]:
    """``DELETE /subscriptions/{id}``: at once, and no money back.

    What it answers is not documented, so the subscription is asked for afterwards; also where it
    is refused, as it may have ended already.
    """
    refused = None
    try:
        path = f"/subscriptions/{payment.provider_reference}"
        call_api(account, "DELETE", path, may_be_empty=True)
    except Rejected as error:
        refused = error
    told = fetch_subscription(account, payment)
    if any(each.period and each.period.status in ("cancelled", "failed") for each in told):
        return told
    raise refused or Unreachable("DELETE /subscriptions: it is not cancelled")


def read_subscription(data: dict[str, Any], word: str, event: str, key: str) -> News:
    """A webhook about a subscription; ``word`` is one of :data:`SUBSCRIPTION_EVENTS`.

    :raise Malformed: it does not say which one, or names money that is none.
    """
    said = data.get("status")
    if word.endswith("succeeded"):
        news = _news(data | {"status": "active"}, event, key)
        if said not in (None, "active", "succeeded"):
            problem = f"MintCash says {event}, and that the status is {printable(said, 40)!r}"
            return replace(news, status=None, period=None, problem=problem, check=True)
        period = news.period
        if news.amount is None or not period or period.start is None or period.end is None:
            return replace(news, status=None, period=None, check=True)
        return news
    if word == "cancelled":
        return _news(data | {"status": "cancelled"}, event, key)
    # A failure may be old, and does not say which period is unpaid: the answer does.
    return replace(_news(data, event, key), status=None, period=None, check=True)


def _news(data: dict[str, Any], event: str, key: str | None) -> News:
    """A subscription as webhooks (with a ``key``) and ``GET`` (without) show it."""
    state = STATES.get(data.get("status")) if isinstance(data.get("status"), str) else None
    is_paid = state == "active"
    amount, _, currency = read_money(data, "succeeded" if is_paid else "", is_webhook=False)
    start, end = (_seconds(data.get(f"currentPeriod{each}")) for each in ("Start", "End"))
    if is_paid and key is None and (amount is None or start is None or end is None):
        raise Malformed("it is active, and does not say what was charged for which period")
    status = {"active": "succeeded", "pending": "pending", "failed": "failed"}.get(str(state))
    if state == "cancelled" and start is None:
        status = "canceled"  # before anything was charged
    reference = data.get("externalId")
    return News(
        provider_reference=usable_id(data, "id", Malformed),
        reference=printable(reference, 100).removeprefix(PREFIX)
        if isinstance(reference, str)
        else None,
        status=status,
        word=event,
        event_key=key,
        amount=amount if is_paid else None,
        currency=currency,
        failure_code=optional_text(data.get("failureCode"), 60),
        failure_message=optional_text(data.get("failureMessage")),
        period=Period(state, start, end) if state else None,
    )


def _seconds(text: object) -> int | None:
    """ISO 8601 as Unix seconds; None for what is none, has no time zone, or is years away."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    is_usable = moment.tzinfo and abs(moment.year - datetime.now(UTC).year) <= YEARS
    return int(moment.timestamp()) if is_usable else None
