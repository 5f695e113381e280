"""How Mollie is called (docs.mollie.com: authentication, handling-errors, api-idempotency)."""

from dataclasses import dataclass, field
from typing import Any

from ..contract import News, PaymentRequest, ReferenceTaken
from ..http import Errors, answer, call, documented, refusals, with_id
from ..money import read_currency, to_major, to_minor
from ..optional import Refunded, RefundRequest, read_refund
from ..text import printable

#: 400: the key was used with another payload. 409, as much was refunded within the hour or the
#: first call is under way, passes: it is not listed, so it is no answer.
ERRORS: Errors = refusals("Mollie", 401, 403, 404, 410, 422) | {400: (ReferenceTaken, None)}
NOT_MADE = ("failed", "canceled")  # days later, too: only a refund that is ``refunded`` is done


@dataclass(frozen=True)
class Account:
    base_url: str  # of test and live: the key says which
    origins: tuple[str, ...]  # of the hosted pages
    currencies: tuple[str, ...]
    api_key: str = field(repr=False)


def call_api(account: Account, method: str, path: str, payload: Any = None) -> dict[str, Any]:
    """What is made bears our reference as ``metadata``; it is the Idempotency-Key, too."""
    key = {"Idempotency-Key": payload["metadata"]} if payload else {}
    headers = {"Authorization": f"Bearer {account.api_key}", **key}
    reply = call(method, account.base_url + path, headers=headers, payload=payload)
    words = f"{method} {path}: HTTP {reply.status} {reply.said('detail')} ({reply.said('field')})"
    return answer(reply, ERRORS, printable(words))


def fetch(account: Account, reference: str | None) -> dict[str, Any]:
    """A payment; ``refunds`` is a list beside its own fields."""
    path = f"/v2/payments/{reference}?embed=refunds"
    found = with_id(reference, call_api(account, "GET", path))
    return {"refunds": []} | found | (found.get("_embedded") or {})


def read_amount(amount: dict[str, Any]) -> tuple[int, str]:
    return to_minor(amount["value"], read_currency(amount["currency"])), amount["currency"]


def write_amount(amount: int, currency: str) -> dict[str, str]:
    return {"currency": currency, "value": str(to_major(amount, currency))}  # "49.99"; JPY: "1200"


def refund(account: Account, payment: PaymentRequest, refund: RefundRequest) -> Refunded:
    """``POST …/refunds`` (create-refund), unless one is ours: keys are forgotten after an hour."""
    found = fetch(account, payment.provider_reference)
    amount = write_amount(refund.amount, payment.currency)
    payload = {"amount": amount, "metadata": refund.reference}
    with documented("/v2/payments/…/refunds"):
        ours = [each for each in found["refunds"] if each.get("metadata") == refund.reference]
        path = f"/v2/payments/{payment.provider_reference}/refunds"
        made = ours[0] if ours else call_api(account, "POST", path, payload)
        return read_refund(made, done="refunded")


def read_refunds(found: dict[str, Any]) -> tuple[int, list[News]]:
    """The sum of those that were made (get-refund), and news of ours that will not be."""
    refunded, refused = 0, []
    for each in found["refunds"]:
        ours, why = each.get("metadata"), f"the refund is {each['status']}"
        if each["status"] == "refunded":
            refunded += read_amount(each["amount"])[0]
        elif each["status"] in NOT_MADE and isinstance(ours, str):
            news = News(found["id"], None, None, why, refund_refused=why, refund_reference=ours)
            refused.append(news)
    return refunded, refused
