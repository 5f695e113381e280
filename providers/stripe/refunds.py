"""Stripe's refunds, asked for by the intent; and the news whose only name is the intent.

Documentation (docs.stripe.com, read 2026-11): api/refunds, api/disputes/object, testing.
"""

from dataclasses import replace
from typing import Any

from ..contract import Malformed, News, PaymentRequest, Rejected, Unreachable
from ..optional import Refunded, RefundRequest
from ..text import printable
from .api import Account, call_api, read_money, read_word, to_stripe


def refund(account: Account, payment: PaymentRequest, refund: RefundRequest) -> Refunded:
    """``POST /v1/refunds`` (api/refunds/create), unless a refund bears our reference already.

    The list is asked first, since Stripe forgets an ``Idempotency-Key`` after a day.

    :raise Rejected: more than is left; or it failed, maybe after it had succeeded.
    """
    intent, marked = payment.provider_state or "", {"reference": refund.reference}
    made = call_api(account, "GET", f"/v1/refunds?payment_intent={intent}&limit=100").get("data")
    if not isinstance(made, list):
        raise Unreachable("GET /v1/refunds: the answer holds no list")
    ours = [each for each in made if isinstance(each, dict) and each.get("metadata") == marked]
    form = {
        "payment_intent": intent,
        "amount": to_stripe(refund.amount, payment.currency),
        "metadata[reference]": refund.reference,
    }
    found = ours[0] if ours else call_api(account, "POST", "/v1/refunds", form, refund.reference)
    if found.get("status") in ("failed", "canceled"):
        raise Rejected(f"refund {printable(found.get('status'))}: {_reason(found)}")
    return Refunded(read_word(found, "id", Unreachable), done=found.get("status") == "succeeded")


def read_news_of_intent(name: str, data: dict[str, Any]) -> News:
    """An event whose object is no session; what is not listed here changes nothing."""
    news = News(printable(data.get("payment_intent") or "", 100), None, None, name)
    match name, data.get("status"):
        case "charge.refunded", _:  # the running total, of every refund
            news = count_refunds(news, data, Malformed)
            return replace(news, check=news.status is None)
        case "refund.failed", _:  # maybe days after it had succeeded (testing)
            marked = data.get("metadata")
            ours = marked.get("reference") if isinstance(marked, dict) else None
            ours = ours if isinstance(ours, str) else None
            return replace(news, refund_refused=_reason(data), refund_reference=ours)
        case "charge.dispute.created", _:
            return replace(news, dispute="opened")
        case "charge.dispute.closed", "lost":
            return replace(news, dispute="lost")
        case "charge.dispute.closed", "won" | "warning_closed":  # the latter: an inquiry
            return replace(news, dispute="won")
    return news


def count_refunds(news: News, charge: dict[str, Any], problem: type[Exception]) -> News:
    """What a charge took and refunded since; no status where one of them is not said."""
    taken = read_money(charge, "amount", problem)
    refunded = read_money(charge, "amount_refunded", problem)["amount"]
    if taken["amount"] is None or refunded is None:
        return replace(news, status=None)
    status = "refunded" if refunded >= taken["amount"] else "partially_refunded"
    return replace(news, status=status if refunded else "succeeded", refunded=refunded, **taken)


def _reason(refund: dict[str, Any]) -> str:
    return printable(refund.get("failure_reason") or "no reason was given", 100)
