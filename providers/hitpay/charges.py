"""HitPay's charges: the money that one payment request took, of which there may be several.

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07): apis/guide/events, openapi.json.

============================  ==================================  ==============================
what comes                    what it says of the payment         its key is made of
============================  ==================================  ==============================
``charge.*`` that took money  at least this came, and at least    request, status; of the charge
                              this was refunded; asks for totals  id, status, sums
refunded, without a request   the same, found by the charge's id  the same, without the request
============================  ==================================  ==============================

A sum is an amount with its currency; of a charge also what was refunded.
"""

from dataclasses import dataclass
from typing import Any

from ..contract import LADDER, Malformed, News
from ..text import SAFE_ID, optional_text, usable_id
from .api import digest, read_money

#: ``status`` of a charge (an entry in ``payments``) that took money -> ours. It may be ahead of the
#: request's own, which was seen to say ``pending`` for a while (hit-pay/mpp-samples, 06-bridge-in).
PAID = {
    "succeeded": "succeeded",
    "succeeded_manually": "succeeded",
    "partially_refunded": "partially_refunded",
    "refunded": "refunded",
    "void": "voided",
}
#: The only ``status_reason_code`` that is documented; the words for the shopper are ours.
FAILURES = {"withdrawal_count_limit_exceeded": "This card was used too often."}


class NotSaid(Malformed):
    """A sum that is needed is null, or no charge is named that took the money."""


def read_charge(data: dict[str, Any], word: str) -> News | None:
    """One charge: at least that much came, and at least that was refunded.

    It does not mention the other charges of its request, so ``GET`` is asked for the totals, and it
    never says "refunded". None: it took no money; or its money was kept and it names no
    request, so that money is either in the request's own news or not this shop's.

    :raise NotSaid: a sum is null.
    :raise Malformed: a field is not as documented.
    """
    if str(data.get("status")) not in PAID:
        return None
    request = _request_of(data)
    charge = _charge(data, request)
    if request["id"] is None and not charge.refunded:
        return None
    reference = request.get("reference_number")
    return News(
        provider_reference=request_id_of(data),
        reference=reference if isinstance(reference, str) else None,
        status="partially_refunded" if charge.refunded else "succeeded",
        word=word,
        event_key=digest("charge", request_id_of(data), word, charge),
        amount=charge.amount,
        currency=charge.currency,
        refunded=charge.refunded,
        transaction_id=charge.id if charge.refunded < charge.amount else None,
        check=True,
    )


def _request_of(charge: dict[str, Any]) -> dict[str, Any]:
    """The payment request that a charge names, whole or by its id; ``id`` None: it names none."""
    request = charge.get("payment_request")
    if not isinstance(request, dict):
        request = {"id": charge.get("payment_request_id")}
    return {"id": None} | request


def request_id_of(data: dict[str, Any]) -> str:
    """The id of the payment request; of a charge without one, its own."""
    request = _request_of(data)
    return usable_id(data if request["id"] is None else request, "id", Malformed)


@dataclass(frozen=True)
class Charge:
    """Money that one payment request took; of one page there may be two. Minor units."""

    id: str | None  # None: not one that can be used
    status: str  # ours
    currency: str  # may differ from the request's (guide/embedded-qr-code-payments/borderless-qr)
    amount: int
    refunded: int


def read_charges(data: dict[str, Any]) -> list[Charge]:
    """Those of a payment request's ``payments`` that took money.

    :raise NotSaid: a sum of one is null.
    :raise Malformed: a field is not as documented.
    """
    return [_charge(each, data) for each in entries_of(data) if str(each.get("status")) in PAID]


def _charge(entry: dict[str, Any], request: dict[str, Any]) -> Charge:
    """What a charge leaves out is the request's: the amount only where their currencies agree.

    ``refunded_amount`` null is all of it under "refunded", and nothing while it is all kept.
    """
    status = PAID[str(entry.get("status"))]
    named = entry if entry.get("currency") is not None else request
    amount, currency = read_money(entry.get("amount"), named)
    if amount is None:
        asked, asked_currency = read_money(request.get("amount"), request)
        amount = asked if asked_currency == currency else None
    refunded, _ = read_money(entry.get("refunded_amount"), named)
    if status == "voided" or (status == "refunded" and refunded is None):
        refunded = amount
    if amount is None or currency is None or (status.endswith("refunded") and not refunded):
        raise NotSaid("a charge without its sums")
    found = entry.get("id")
    usable = isinstance(found, str) and SAFE_ID.fullmatch(found)
    return Charge(found if usable else None, status, currency, amount, refunded or 0)


def add_up(charges: list[Charge]) -> dict[str, Any]:
    """What all charges of one request come to, as fields of its news."""
    currencies = sorted({each.currency for each in charges})
    alike = len(currencies) == 1
    return {
        # Of two, one may have been refunded: the other still pays.
        "status": min((each.status for each in charges), key=LADDER.index),
        "currency": "/".join(currencies),  # of several, a person decides
        "amount": sum(each.amount for each in charges) if alike else None,
        "refunded": sum(each.refunded for each in charges) if alike else None,
        "transaction_id": charges[0].id if len(charges) == 1 else None,
    }


def last_failure(data: dict[str, Any]) -> dict[str, Any]:
    """Why the latest declined charge was declined, as fields of the request's news."""
    failed = [each for each in entries_of(data) if each.get("status") == "failed"]
    latest = failed[-1] if failed else {}
    return {
        "failure_code": optional_text(latest.get("status_reason_code"), 60),
        "failure_message": optional_text(latest.get("status_reason")),
    }


def request_key(news: News, data: dict[str, Any]) -> str:
    """Of request, status and sum, and of each charge its id, status and sums."""
    tries = sorted(f"{each.get('id')} {each.get('status')}" for each in entries_of(data))
    charges = sorted(read_charges(data), key=str)
    said = (news.provider_reference, news.word, news.amount, news.currency)
    return digest("payment_request", *said, *tries, *charges)


def entries_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The charges in ``payments``, failed ones included.

    :raise Malformed: it is no list of objects.
    """
    entries = data.get("payments") or []
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise Malformed("payments is no list of payments")
    return entries
