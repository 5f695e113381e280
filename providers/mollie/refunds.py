"""What goes back, found by asking (docs.mollie.com: create-refund, get-refund, get-chargeback)."""

from typing import Any, Literal

from ..contract import News, PaymentRequest, Rejected
from ..http import documented
from ..optional import Refunded, RefundRequest
from .api import Account, call_api, fetch, read_amount, read_id, write_amount

NOT_MADE = ("failed", "canceled")  # days later, too: only a refund that is ``refunded`` is done


def refund(account: Account, payment: PaymentRequest, refund: RefundRequest) -> Refunded:
    """``POST /v2/payments/{id}/refunds``. Idempotency-Keys are forgotten after an hour, so a refund
    with our reference is looked for first.
    """
    found = fetch(account, payment.provider_reference)
    with documented("/v2/payments/…/refunds"):
        made = next((e for e in found["refunds"] if e.get("metadata") == refund.reference), None)
        if made is None:
            amount = write_amount(refund.amount, payment.currency)
            payload = {"amount": amount, "metadata": refund.reference}
            path = f"/v2/payments/{payment.provider_reference}/refunds"
            made = call_api(account, "POST", path, payload)
        if made["status"] in NOT_MADE:
            raise Rejected(f"the refund is {made['status']}")
        return Refunded(read_id(made), done=made["status"] == "refunded")


def read_reversals(found: Any) -> tuple[list[News], int, Literal["lost", "won"] | None]:
    """News of refunds that will not be made, the sum of those that were, and a chargeback."""
    refused, refunded = [], 0
    for each in found["refunds"]:
        ours, why = each.get("metadata"), f"the refund is {each['status']}"
        if each["status"] == "refunded":
            refunded += read_amount(each["amount"])[0]
        elif each["status"] in NOT_MADE and isinstance(ours, str):
            news = News(found["id"], None, None, why, refund_refused=why, refund_reference=ours)
            refused.append(news)
    reversals = [each.get("reversedAt") for each in found["chargebacks"]]
    dispute: Literal["lost", "won"] = "won" if all(reversals) else "lost"
    return refused, refunded, dispute if reversals else None
