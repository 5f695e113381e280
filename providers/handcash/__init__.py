"""HandCash: a payment request with a hosted page, a webhook with our secret, status by id.

Documentation (docs.handcash.io, read 2024-09 to 2026-01): handcash-pay/{create-payment-request,
webhooks}; and the OpenAPI types in github.com/HandCash/handcash-sdk (2025-11), “the SDK” below.
Money is proven by the webhook, or the public status. Neither is signed, and the webhook names no
amount: both are bound to the payment request that we made and whose id we stored.

=======================  =================================  ======================================
what a webhook says      what makes it the same news
=======================  =================================  ======================================
a payment was completed  ``paymentRequestId``, of 32        two payers can race for one request:
                         characters at most, and            each transaction is news of its own,
                         ``transactionId``, of 64           and a retry of either is not
a body without both ids  400                                it does not say whose money it is
=======================  =================================  ======================================
"""

from collections.abc import Mapping
from typing import Any

from ..contract import (
    Capabilities,
    Checkout,
    Malformed,
    News,
    PaymentRequest,
    Redirect,
    Unproven,
    Unreachable,
    Urls,
)
from ..http import read_object
from ..proof import by_answer, is_one_of
from ..proven import Proof
from ..text import printable
from .api import Account as Account
from .api import fetch_public, json_number, read_image, read_price, read_transaction, usable_id
from .pages import cancel as cancel
from .pages import resume_checkout as resume_checkout
from .price_field import create
from .returns import read_return as read_return
from .secret_in_body import keep_body as keep_body

#: Their status in lower case -> ours. The SDK calls it a string and names no value. Two words stand
#: in manage-payment-request, as values of a filter: "pending" (not paid yet) and
#: "completed". Two more come from pages that were withdrawn, in upper case. All are believed, since
#: success also needs a transaction id, and money that comes later still lifts an expired payment.
#: "cancelled" and "failed" of those pages are not: they would end the asking. Other words change
#: nothing.
STATUSES = {
    "pending": "created",
    "completed": "succeeded",
    "paid": "succeeded",
    "expired": "expired",
}


def capabilities(account: Account) -> Capabilities:
    return Capabilities(
        name="handcash",
        label="HandCash",
        takes="HandCash wallet",
        note="Bitcoin SV",
        currencies=account.currencies,
        page_origins=account.origins,
        failed="The payment was not completed on HandCash’s page.",
        mark="wallet",
    )


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /v3/paymentRequests`` (create-payment-request).

    There is no idempotency key, so a call that may have made a request is not retried
    (``price_field.py``).
    When an answer is lost, no shopper has the page of that request, and it expires by itself.
    """
    price = json_number(payment.amount, payment.currency)
    payload = describe(payment, urls) | {
        "instrumentCurrencyCode": "BSV",
        "receivers": [{"sendAmount": price, "destination": account.destination}],
        "expirationType": "onPaymentCompleted",
        "expirationInSeconds": account.minutes * 60,
    }
    reply = create(account, payload, payment.currency)
    url = reply.get("paymentRequestUrl")
    if not isinstance(url, str):
        raise Unreachable("POST /v3/paymentRequests: the answer holds no paymentRequestUrl")
    page = Redirect(url, qr_image=read_image(reply))
    return Checkout(usable_id(reply, "id", Unreachable), page)


def describe(payment: PaymentRequest, urls: Urls) -> dict[str, Any]:
    """What a request says and where it leads; all of it can be changed later."""
    return {
        "product": {"name": payment.description, "description": f"Payment {payment.reference}"},
        "notifications": {
            "webhook": {
                "webhookUrl": urls.webhook_url,
                "customParameters": {"payment": payment.reference},
            }
        },
        "redirectUrl": urls.return_url,
    }


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[News]:
    """Read the body, check the ``appSecret`` inside, then believe the rest (docs: webhooks).

    Sent for completed payments only. ``customParameters`` come from our own create call; the stored
    ``paymentRequestId`` must win over them.
    """
    event = read_object(body)
    given = event.get("appSecret")
    if not isinstance(given, str) or not is_one_of(given, account.app_secrets):
        raise Unproven("appSecret differs" if given else "no appSecret")
    request_id = usable_id(event, "paymentRequestId", Malformed)
    transaction_id = read_transaction(event)
    if transaction_id is None:
        raise Malformed("no usable transactionId")
    parameters = event.get("customParameters")
    reference = parameters.get("payment") if isinstance(parameters, dict) else None
    return [
        News(
            provider_reference=request_id,
            reference=printable(reference, 100) if isinstance(reference, str) else None,
            status="succeeded",
            word="payment completed",  # no other event exists, so HandCash gives it no name
            event_key=f"{request_id}:{transaction_id}",
            transaction_id=transaction_id,
            proof=Proof("appSecret", "the app's secret itself, inside the body"),
        )
    ]


def fetch_payment(account: Account, payment: PaymentRequest) -> list[News]:
    """``GET /v3/paymentRequests/public/{id}`` (the SDK): by HandCash's id only.

    The private ``GET /v3/paymentRequests/{id}`` has neither status nor transaction. The price is
    compared where it is said; one that cannot be read says nothing, and the rest stands.
    """
    if payment.provider_reference is None:
        return []
    resource = fetch_public(account, payment)
    (word, status), transaction_id = read_status(resource), read_transaction(resource)
    if status == "succeeded" and transaction_id is None:
        status = None
    amount, currency = read_price(resource, payment.currency)
    news = News(
        provider_reference=payment.provider_reference,
        reference=None,
        status=status,
        word=f"GET: {word}",
        amount=amount,
        currency=currency,
        transaction_id=transaction_id if status == "succeeded" else None,
        proof=by_answer(f"/v3/paymentRequests/public/{payment.provider_reference}"),
    )
    return [news]


def read_status(resource: dict[str, Any]) -> tuple[str, str | None]:
    """Their word, and our status for it, if it is one of :data:`STATUSES`."""
    word = printable(resource.get("status"), 40)
    return word, STATUSES.get(word.lower())
