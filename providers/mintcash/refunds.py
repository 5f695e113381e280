"""MintCash's refunds: a call by our own reference, and what webhooks say of refunded money.

Documentation (www.mintcash.me, read 2026-05 to 2026-07): docs/api/refunds,
docs/guides/issue-refund, docs/concepts/webhooks/{event-types,payload-reference}.

==============================  ================================================================
``payment.partially_refunded``  the running total refunded, ``amountRefunded``
``payment.refunded``            all of it, also where ``amountRefunded`` is null
``payment.voided``              all of it is gone
``payment.refund_failed``       a refund of ours is refused; the payment is as it was
==============================  ================================================================
"""

from dataclasses import replace
from typing import Any

from ..contract import Malformed, News, PaymentRequest, Rejected, Unreachable
from ..optional import Refunded, RefundRequest
from ..text import printable, usable_id
from .api import MONEY, Account, call_api

#: A payment's words once money was refunded; they are ours, too.
REFUNDED = ("partially_refunded", "refunded", "voided")


def refund(account: Account, payment: PaymentRequest, refund: RefundRequest) -> Refunded:
    """``POST /payments/{id}/refund`` (docs/api/refunds). ``amount`` is minor units: 1500 is 15.00.

    Safe to retry: ``externalId`` is unique per payment, and the same one the same refund
    (docs/guides/issue-refund). The values of ``status`` are not documented; "succeeded" and
    "failed" are a payment's own words.

    :raise Rejected: 409 for a payment that is not paid, or while another refund is under way; 422
        for more than remains; a refund that failed.
    :raise Unreachable: not known: call again.
    """
    payload = {"externalId": refund.reference, "amount": refund.amount}
    path = f"/payments/{payment.provider_reference}/refund"
    resource = call_api(account, "POST", path, payload)
    if resource.get("status") == "failed":
        raise Rejected(f"POST /payments/…/refund: {_reason(resource)}")
    theirs = usable_id(resource, "id", Unreachable)
    return Refunded(theirs, done=resource.get("status") == "succeeded")


def read_refund_failed(data: dict[str, Any], event: str, key: str) -> News:
    """``payment.refund_failed``: the payment is as it was (docs/concepts/webhooks/event-types).

    Where the refund stands inside ``data`` is not documented: as ``refund``, or all of it.
    """
    refund = data.get("refund")
    refund = refund if isinstance(refund, dict) else data
    return News(
        provider_reference=printable(refund.get("paymentId") or data.get("id") or "", 100),
        reference=None,
        status=None,
        word=event,
        event_key=key,
        refund_refused=_reason(refund),
    )


def check_totals(news: News, word: str, data: dict[str, Any]) -> News:
    """The news as it is, or without a status where its sums are missing or contradict its word.

    :raise Malformed: an answer to ``GET`` names no sum.
    """
    amount, refunded = news.amount, news.refunded
    is_webhook = news.event_key is not None
    if word not in MONEY:
        return news
    if amount is None or (word == "partially_refunded" and refunded is None):
        if is_webhook:
            return replace(news, status=None, check=True)
        raise Malformed(f"amount: MintCash says {word}, and not how much")
    if refunded is None:
        return news
    if refunded > amount or (refunded == 0 and word != "succeeded"):
        problem = f"MintCash says {word}, and that {data['amountRefunded']} of {data['amount']}"
        problem = printable(f"{problem} {news.currency} was refunded")
        return replace(news, status=None, problem=problem, check=is_webhook)
    return news


def _reason(refund: dict[str, Any]) -> str:
    """Why a refund failed, in MintCash's words."""
    said = [refund.get("failureCode"), refund.get("failureMessage")]
    return printable(": ".join(str(each) for each in said if each)) or "no reason was given"
