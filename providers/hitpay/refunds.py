"""HitPay's refunds, asked for by the id of a charge; charges report the outcome (``charges.py``).

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07): apis/payment-request/refund.
"""

from ..contract import Malformed, PaymentRequest, Rejected, Unreachable
from ..money import to_major
from ..optional import Refunded, RefundRequest
from ..text import usable_id
from .api import Account, call_api, fetch_request
from .charges import read_charges


def refund(account: Account, payment: PaymentRequest, refund: RefundRequest) -> Refunded:
    """``POST /v1/refund`` (payment-request/refund): by the id of the charge, which ``GET`` tells.

    Sent once, because HitPay has no idempotency key: before each call the total is compared with
    what it will be after it. Only charges in the payment's currency count. ``charge.updated``, and
    ``GET``, report it as well.

    :raise Rejected: no charge holds that much, or HitPay's answer, whose words for it are not
        documented, is in ``str(error)``.
    :raise Unreachable: not known: call again.
    """
    if payment.provider_reference is None:
        raise Rejected("HitPay has never named this payment")
    try:
        charges = read_charges(fetch_request(account, payment.provider_reference))
    except Malformed as error:
        raise Unreachable(f"GET /v1/payment-requests: {error}") from error
    charges = [each for each in charges if each.currency == payment.currency]
    if sum(each.refunded for each in charges) >= refund.refunded_before + refund.amount:
        return Refunded(None, done=True)
    enough = (each.id for each in charges if each.amount - each.refunded >= refund.amount)
    charge_id = next(filter(None, enough), None)
    if charge_id is None:
        raise Rejected("POST /v1/refund: no charge holds that much")
    form = [("payment_id", charge_id), ("amount", str(to_major(refund.amount, payment.currency)))]
    resource = call_api(account, "POST", "/v1/refund", form)
    theirs = usable_id(resource, "id", Unreachable)
    return Refunded(theirs, done=resource.get("status") == "succeeded")
