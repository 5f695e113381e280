"""HandCash: a payment request with a hosted page, a webhook that carries our secret, status by id.

Documentation (docs.handcash.io, read 2024-09 to 2026-01): handcash-pay/create-payment-request,
handcash-pay/manage-payment-request, handcash-pay/webhooks; and the OpenAPI types in
github.com/HandCash/handcash-sdk (2025-11), called “the SDK” below.
How money is proven: the webhook, or the public status. Neither is signed, and the webhook names no
amount: both are bound to the payment request that we made and whose id we stored. Never the return.

What a webhook may say, and what makes it the same news (``event_key``):

=======================  =================================  ======================================
a payment was completed  ``paymentRequestId``, of 32        two payers can race for one request:
                         characters at most, and            each transaction is news of its own,
                         ``transactionId``, of 64           and a retry of either is not
a body without both ids  400                                whose money it is, nothing says
=======================  =================================  ======================================
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from ..contract import (
    BadSignature,
    Capabilities,
    Checkout,
    Malformed,
    News,
    PaymentRequest,
    Redirect,
    Rejected,
    Unreachable,
    Urls,
    printable,
)
from ..http import parse_json
from ..money import ISO_4217, NotMoney, read, read_currency, to_major
from ..optional import Hint
from ..proof import is_one_of
from .api import Account as Account
from .api import Gone, call_api, usable_id

#: Their status in lower case -> ours. The SDK calls it a string and names no value. Two words stand
#: in manage-payment-request, as values of a filter: "pending" (waits for somebody to pay) and
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

#: The name of the price's currency in a create call: the SDK's, and the one of a page of 2026-01
#: that calls the first one wrong. The second is sent when the first is refused in these words.
PRICE_FIELDS = ("denominationCurrencyCode", "currency")
WRONG_PRICE_FIELD = re.compile(
    r'HTTP 400\b.*(?<![\w.])(denominationCurrencyCode"? is not allowed|currency"? is required)'
)

#: 64 hexadecimal digits for a payment on chain; the form for other ways to pay is not documented.
TRANSACTION_ID = re.compile(r"[!-~]{1,64}", re.ASCII)
#: A plain address; it becomes an ``<img>`` of our page.
IMAGE_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[!-~]{0,500}", re.ASCII)


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

    There is no idempotency key, so the call is sent once, and a second time under the other of
    :data:`PRICE_FIELDS` only when the first made nothing: it was refused for that name. When an
    answer is lost, the next call makes another request; no shopper has the page of the first, and
    it expires by itself.
    ``paymentRequestQrCodeUrl`` of the answer is a picture, for the camera of the wallet.

    :raise Unreachable: time-out or 5xx.
    :raise Rejected: see :data:`ERRORS`.
    """
    payload = _about(payment, urls) | {
        "instrumentCurrencyCode": "BSV",
        "receivers": [
            {
                "sendAmount": _number(payment.amount, payment.currency),
                "destination": account.destination,
            }
        ],
        "expirationType": "onPaymentCompleted",
        "expirationInSeconds": account.minutes * 60,
    }
    ours, other = PRICE_FIELDS
    try:
        reply = call_api(account, "POST", "", payload | {ours: payment.currency})
    except Rejected as error:
        if not WRONG_PRICE_FIELD.search(str(error)):
            raise
        reply = call_api(account, "POST", "", payload | {other: payment.currency})
    url, image = reply.get("paymentRequestUrl"), reply.get("paymentRequestQrCodeUrl")
    if not isinstance(url, str):
        raise Unreachable("POST /v3/paymentRequests: the answer holds no paymentRequestUrl")
    if not isinstance(image, str) or not IMAGE_URL.fullmatch(image):
        image = None
    return Checkout(usable_id(reply, "id", Unreachable), Redirect(url, qr_image=image))


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[News]:
    """Read the body, check the ``appSecret`` inside, then believe the rest (docs: webhooks).

    Sent for completed payments only. ``customParameters`` come from our own create call; whoever
    applies the news must let the stored ``paymentRequestId`` win over them.

    :raise BadSignature: ``appSecret`` is missing, no text, or not ours.
    :raise Malformed: no JSON object; or ours, but without the two ids.
    """
    try:
        event = parse_json(body)
    except ValueError as error:
        raise Malformed(f"body: {error}") from error
    if not isinstance(event, dict):
        raise Malformed("the body is no object")
    given = event.get("appSecret")
    if not isinstance(given, str) or not is_one_of(given, account.app_secrets):
        raise BadSignature("appSecret differs" if given else "no appSecret")
    request_id = usable_id(event, "paymentRequestId", Malformed)
    transaction_id = _transaction(event)
    if transaction_id is None:
        raise Malformed("no usable transactionId")
    parameters = event.get("customParameters")
    reference = parameters.get("payment") if isinstance(parameters, dict) else None
    return [
        News(
            provider_reference=request_id,
            reference=printable(reference, 100) if isinstance(reference, str) else None,
            status="succeeded",
            word="payment completed",  # nothing else is ever reported, so it has no name
            event_key=f"{request_id}:{transaction_id}",
            transaction_id=transaction_id,
        )
    ]


def keep_body(account: Account, body: bytes) -> str:
    """The delivery without ``appSecret``, written anew: whoever reads it could forge the next."""
    event = parse_json(body)
    return json.dumps({name: event[name] for name in event if name != "appSecret"}, default=str)


def read_return(account: Account, payment: PaymentRequest, args: Mapping[str, str]) -> Hint:
    """``transactionId`` is appended to ``redirectUrl``, unsigned: a hint."""
    return Hint(printable(args.get("transactionId", ""), 64))


def fetch_payment(account: Account, payment: PaymentRequest) -> list[News]:
    """``GET /v3/paymentRequests/public/{id}`` (the SDK). Needs no keys, so none are sent.

    The private ``GET /v3/paymentRequests/{id}`` has neither status nor transaction. The price is
    compared where it is said; one that cannot be read says nothing, and the rest stands.

    :raise ProviderError: no usable answer; nothing is known that was not known before.
    """
    if payment.provider_reference is None:
        return []
    resource = _public(account, payment)
    word, status = _status(resource)
    transaction_id = _transaction(resource)
    if status == "succeeded" and transaction_id is None:
        status = None
    amount, currency = _asked(resource)
    news = News(
        provider_reference=payment.provider_reference,
        reference=None,
        status=status,
        word=f"GET: {word}",
        amount=amount,
        currency=currency,
        transaction_id=transaction_id if status == "succeeded" else None,
    )
    return [news]


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
        _, status = _status(_public(account, payment))
        if status == "succeeded":
            return "done"
        if status == "expired":
            return "closed"
        call_api(account, "PUT", f"/{payment.provider_reference}", _about(payment, urls))
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
        if _status(_public(account, payment))[1] == "succeeded":
            raise Rejected(f"{payment.provider_reference} is paid")
        call_api(account, "DELETE", f"/{payment.provider_reference}")
    except Gone:
        return


def _about(payment: PaymentRequest, urls: Urls) -> dict[str, Any]:
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


def _public(account: Account, payment: PaymentRequest) -> dict[str, Any]:
    """The request as everybody may see it.

    :raise Gone: it is not there, or HandCash never told us its id.
    """
    if payment.provider_reference is None:
        raise Gone(f"no payment request is known for {payment.reference}")
    resource = call_api(account, "GET", f"/public/{payment.provider_reference}")
    if usable_id(resource, "id", Unreachable) != payment.provider_reference:
        raise Unreachable("GET /v3/paymentRequests/public: the answer is about another request")
    return resource


def _status(resource: dict[str, Any]) -> tuple[str, str | None]:
    """Their word, and our status for it, if it is one of :data:`STATUSES`."""
    word = printable(resource.get("status"), 40)
    return word, STATUSES.get(word.lower())


def _number(amount: int, currency: str) -> float:
    """4999 US cents as the JSON number 49.99; 2400 as 24.0.

    The one float of the shop, made from a ``Decimal`` of two places only to be printed: ``repr``
    gives every decimal of up to 15 digits back unchanged.
    """
    return float(to_major(amount, currency))


def _transaction(data: dict[str, Any]) -> str | None:
    found = data.get("transactionId")
    return found if isinstance(found, str) and TRANSACTION_ID.fullmatch(found) else None


def _asked(resource: dict[str, Any]) -> tuple[int | None, str | None]:
    """What the request is for, where that is said in a currency.

    ``paymentAmount.currencyCode`` is the price's currency in the examples; the SDK could also mean
    the coin, and an amount of coins says nothing about a price.
    """
    asked = resource.get("paymentAmount")
    if not isinstance(asked, dict):
        return None, None
    try:
        if read_currency(asked.get("currencyCode")) not in ISO_4217:
            return None, None
        amount, currency = read(asked.get("amount"), asked["currencyCode"])
    except NotMoney:
        return None, None
    return (amount, currency) if amount is not None else (None, None)
