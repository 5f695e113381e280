"""HandCash's pages once they are made: asked about, brought up to date, withdrawn.

Documentation (docs.handcash.io, read 2024-09 to 2026-01): handcash-pay/manage-payment-request.
"""

from typing import Literal

from .. import handcash
from ..contract import PaymentRequest, Rejected, Urls
from .api import Account, Gone, call_api, fetch_public


def resume_checkout(
    account: Account, payment: PaymentRequest, urls: Urls
) -> Literal["open", "closed", "done"]:
    """``GET …/public/{id}``, then ``PUT /v3/paymentRequests/{id}`` (manage-payment-request).

    The PUT brings product, ``redirectUrl`` and webhook up to date: they hold ``BASE_URL``, which a
    new tunnel changes. Price, receivers and lifetime stay as they are. A request that is gone or
    has expired is "closed"; one that is said to be paid is "done", and not touched.

    :raise ProviderError: no usable answer, or refused for another reason than being gone.
    """
    try:
        _, status = handcash.read_status(fetch_public(account, payment))
        if status == "succeeded":
            return "done"
        if status == "expired":
            return "closed"
        call_api(account, "PUT", f"/{payment.provider_reference}", handcash.describe(payment, urls))
    except Gone:
        return "closed"
    return "open"


def cancel(account: Account, payment: PaymentRequest) -> None:
    """``DELETE /v3/paymentRequests/{id}`` (manage-payment-request); one that is gone is fine.

    What becomes of the record of a payment is not documented, so a request that is said to be paid
    is left alone.

    :raise Rejected: it is paid, or our keys are refused.
    :raise Unreachable: no usable answer.
    """
    try:
        if handcash.read_status(fetch_public(account, payment))[1] == "succeeded":
            raise Rejected(f"{payment.provider_reference} is paid")
        call_api(account, "DELETE", f"/{payment.provider_reference}")
    except Gone:
        return
