"""Request Network: a secure payment page for a stablecoin, a signed webhook, status by id.

Documentation (docs.request.network, read 2026-02 to 2026-09): api-reference/{secure-payments,
webhooks,authentication}, api-features/{payee-destinations,query-requests,secure-payment-pages,
secure-payment-integration-guide}, use-cases/{quickstart,webhook-reconciliation}; and the published
OpenAPI file (“the spec”).
How money is proven: the webhook, or the answer to ``GET /v2/request/{id}``. Never the return.
Amounts are decimals of a coin. The shop counts a stablecoin as the currency that it stands for, so
the destination must receive one: then "28.00" asks for 28 dollars.
Where the money goes is said in one of three forms: by a destination id; by a payee with two
currencies, as secure-payment-integration-guide has it; or not at all, where the key or Client ID is
bound to its destination.

What a webhook may say, and what makes it the same news (``event_key``): the delivery's id, which is
the same on its retries, with a digest of the body. The id alone is a header and not signed: it
must not hide what another body says. The same body under another id says the same once more, and
totals that were counted are not counted again; two failures have the same body, and are two.

================================  ===============================================================
``payment.confirmed``             the running total that was paid, in full
``payment.partial``               the running total that was paid
``payment.failed``                a transfer failed, or fell out of the chain after all
``payment.refunded``              money went back, by no call of ours: a person is told
a test, by its header             acknowledged; its key begins with "test:"
anything else                     kept, and changes nothing
one that does not say how much    kept, and Request Network is asked
one that names two requests       kept, a person is told, and Request Network is asked
one without a request's id        400: whose money it is about, nothing says
================================  ===============================================================
"""

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from ..contract import (
    Capabilities,
    Checkout,
    Malformed,
    News,
    Part,
    PaymentRequest,
    Redirect,
    Unreachable,
    Urls,
    printable,
)
from ..http import failure, parse_json
from ..money import NotMoney, to_major
from ..proof import check_hmac
from .api import ERRORS, SAFE_ID, call_api, send, usable_id
from .api import Account as Account
from .coins import counts_as, minor, readable_minor
from .destination import destination_fields

#: Their events that are news of a payment -> our status (api-reference/webhooks). All others change
#: nothing: ``secure_payment.user_event`` and its like are told by a browser.
EVENTS = {
    "payment.confirmed": "succeeded",
    "payment.partial": "partially_paid",
    "payment.failed": "failed",
}

#: ``GET /v2/secure-payments/{token}``: what its HTTP status says about the page.
PAGES: dict[int, Literal["open", "closed", "done"]] = {
    200: "open",
    403: "closed",  # expired, or cannot be paid for another reason
    404: "closed",  # unknown
    409: "done",  # already completed
    423: "done",  # a Safe wallet's owners are signing: nobody else may pay meanwhile
}

PAGE_MINUTES = 7 * 24 * 60  # use-cases/quickstart: a link lives for a week; nothing renews it
MAX_REQUESTS = 200  # in one link, on EVM chains only
PAUSE = 0.2  # seconds between two calls of a row: five a second are allowed

#: ``subStatus`` of a failed payment; the words for the shopper are ours.
REASONS = {"insufficient_funds": "There is not enough of the coin in this wallet."}

#: A ULID, of 26 letters and digits; taken a little wider.
DELIVERY_ID = re.compile(r"[0-9A-Za-z]{1,40}", re.ASCII)


def capabilities(account: Account) -> Capabilities:
    return Capabilities(
        name="request_network",
        label="Request Network",
        takes="Crypto wallet",
        note="USDC and other stablecoins",
        currencies=account.currencies,
        page_origins=account.origins,
        failed="The payment could not be completed on the blockchain.",
        failures=REASONS,
        mark="coin",
        page_minutes=PAGE_MINUTES,
        silent_minutes=PAGE_MINUTES,
    )


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /v2/secure-payments`` (api-reference/secure-payments).

    One request; or, where the account is ``itemized``, one for each line, if these make up the
    amount. A request has no text: which line it is, only its place says. ``requestIds`` of the
    answer are as many and, as far as the documentation lets one guess, in the same order.

    There is no idempotency key, so the call is sent once. When its answer is lost, the next call
    makes another link; nobody has the page of the first, and it expires by itself.
    Webhooks go where they were registered, so none is named here.

    :raise Unreachable: time-out, 5xx, or too many calls (429).
    :raise Rejected: see :data:`ERRORS`.
    """
    amounts = _amounts(account, payment)
    destination = destination_fields(account)
    payload = {
        "requests": [
            {"amount": str(to_major(amount, payment.currency)), **destination} for amount in amounts
        ],
        "reference": payment.reference,
        "redirectUrl": urls.return_url,
        "redirectLabel": "Back to the shop",
    }
    reply = call_api(account, "POST", "/v2/secure-payments", payload)
    url, ids, token = (reply.get(name) for name in ("securePaymentUrl", "requestIds", "token"))
    if not isinstance(url, str):
        raise Unreachable("POST /v2/secure-payments: the answer holds no securePaymentUrl")
    ids = [usable_id(each, Unreachable) for each in ids] if isinstance(ids, list) else []
    if len(set(ids)) != len(amounts):
        raise Unreachable(f"POST /v2/secure-payments: the answer holds not {len(amounts)} ids")
    parts = tuple(map(Part, ids, amounts)) if len(ids) > 1 else ()
    known = isinstance(token, str) and SAFE_ID.fullmatch(token)
    return Checkout(ids[0], Redirect(url), parts, page_token=token if known else None)


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[News]:
    """Check the signature over the raw bytes, then read the flat event (api-reference/webhooks).

    The secret is 64 hexadecimal digits and used as the text it is. The delivery id and the mark of
    a test are headers and not signed: see the table at the head of this module.

    :raise BadSignature: header missing, or not the lower-case hex HMAC-SHA256 of the body.
    :raise Malformed: signed, but not the documented event.
    """
    signature = headers.get("x-request-network-signature", "")
    check_hmac("the signature", signature, body, account.webhook_secrets)
    try:
        event = parse_json(body)
    except ValueError as error:
        raise Malformed(f"body: {error}") from error
    delivery = headers.get("x-request-network-delivery", "")
    if not DELIVERY_ID.fullmatch(delivery):
        raise Malformed("no usable x-request-network-delivery")
    key = f"{delivery}:{hashlib.sha256(body).hexdigest()[:32]}"
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise Malformed("no event")
    word = printable(event["event"], 100)
    both = event.get("requestId"), event.get("requestID")  # either is documented
    request_id = both[0] or both[1] or ""
    if headers.get("x-request-network-test") == "true":
        # “Send test”: made-up values, to be acknowledged.
        shown = printable(request_id, 100)
        return [News(shown, None, None, f"test: {word}", f"test:{key}")]
    if word not in (*EVENTS, "payment.refunded"):
        return [News(printable(request_id, 100), None, None, word, key)]
    status, reference, code = EVENTS.get(word), event.get("reference"), event.get("subStatus")
    news = News(
        provider_reference=usable_id(request_id, Malformed),
        reference=printable(reference, 100) if isinstance(reference, str) else None,
        status=status,
        word=word,
        event_key=key,
        failure_code=printable(code, 60) if code and status == "failed" else None,
    )
    if all(both) and both[0] != both[1]:
        problem = f"Request Network says {word} of two requests at once"
        return [replace(news, status=None, problem=problem, check=True)]
    if word == "payment.refunded":
        back = printable(f"{event.get('refundAmount')} {event.get('currency')}", 60)
        return [replace(news, problem=f"Request Network says that it refunded {back}")]
    if status == "failed":
        return [news]
    currency = counts_as(event.get("currency"), event, account.environment == "live")
    try:
        amount = minor(event.get("totalAmountPaid"), currency or account.currencies[0])
    except NotMoney as error:
        raise Malformed(f"totalAmountPaid: {error}") from error
    if amount is None:
        return [replace(news, status=None, check=True)]
    return [replace(news, amount=amount, currency=currency)]


def fetch_payment(account: Account, payment: PaymentRequest) -> list[News]:
    """``GET /v2/request/{requestId}`` (api-features/query-requests), for each of its parts.

    ``hasBeenPaid`` means in full. ``status`` is a text whose values are not listed; the one that
    is named anywhere is ``partially_paid``. Nothing says that a page has expired or failed. Parts
    are told as one sum: it is all here only when each of them is paid. A sum that cannot be read is
    "not said" here: what was paid in full is what was asked for.

    :raise ProviderError: no usable answer; nothing is known that was not known before.
    """
    if payment.provider_reference is None:
        return []
    ids = payment.parts or (payment.provider_reference,)
    found = []
    for number, request_id in enumerate(ids):
        if number:
            time.sleep(PAUSE)
        found.append(_fetch_request(account, request_id))
    if len(found) == 1:
        return found
    paid = sum(each.status == "succeeded" for each in found)
    moved = [each for each in found if each.status != "created"]
    amounts = [each.amount for each in moved if each.amount is not None]
    currencies = sorted({each.currency for each in moved if each.currency})
    all_told = len(amounts) == len(moved)
    news = replace(
        found[0],
        provider_reference=payment.provider_reference,
        status="succeeded" if paid == len(found) else "partially_paid" if moved else "created",
        word=f"GET: {paid} of {len(found)} paid",
        amount=sum(amounts) if moved and all_told else None,
        currency=currencies[0] if currencies else None,
        problem=next((each.problem for each in found if each.problem), None),
    )
    if len(currencies) > 1:
        coins = " and ".join(currencies)
        news = replace(news, problem=f"Request Network says that parts were paid in {coins}")
    elif news.status == "partially_paid" and not all_told and not news.problem:
        news = replace(news, problem="Request Network says that a part is paid, and not how much")
    return [replace(news, status=None, amount=None) if news.problem else news]


def resume_checkout(
    account: Account, payment: PaymentRequest, urls: Urls
) -> Literal["open", "closed", "done"]:
    """``GET /v2/secure-payments/{token}`` (api-reference/secure-payments): see :data:`PAGES`.

    The reference wants a Client ID for this call, older pages show it with an API key: one that is
    refused has told us nothing, and the page may well be open.

    :raise ProviderError: no usable answer.
    """
    if payment.page_token is None:
        return "open"
    reply, words = send(account, "GET", f"/v2/secure-payments/{payment.page_token}")
    if reply.status in PAGES:
        return PAGES[reply.status]
    if reply.status == 401 and account.api_key:
        return "open"
    raise failure(reply, ERRORS, words)


def _amounts(account: Account, payment: PaymentRequest) -> list[int]:
    """What each request asks for, in minor units."""
    amounts = [line.amount for line in payment.lines]
    on_tron = account.destination_id.startswith("T")  # “not supported for TRON networks”
    if not account.itemized or on_tron or not 1 < len(amounts) <= MAX_REQUESTS:
        return [payment.amount]
    return amounts if min(amounts) > 0 and sum(amounts) == payment.amount else [payment.amount]


def _fetch_request(account: Account, request_id: str) -> News:
    """The truth about one request."""
    resource = call_api(account, "GET", f"/v2/request/{request_id}")
    if resource.get("requestId") != request_id:
        raise Unreachable("GET /v2/request: the answer is about another request")
    paid, word = resource.get("hasBeenPaid"), printable(resource.get("status") or "", 40)
    if not isinstance(paid, bool):
        raise Unreachable("GET /v2/request: the answer does not say whether it has been paid")
    news = News(
        provider_reference=request_id,
        reference=None,
        status="succeeded" if paid else "created",
        word=f"GET: {word or ('paid' if paid else 'not paid')}",
    )
    partly = word == "partially_paid"
    if not paid and not partly:
        return news
    if paid and partly:
        problem = "Request Network says that a request is paid, and that a part of it is"
        return replace(news, status=None, problem=problem)
    inner = resource.get("conversionBreakdown")
    inner = inner if isinstance(inner, dict) else {}
    price, is_live = resource.get("invoiceCurrency"), account.environment == "live"
    beside = inner.get("paidCurrency") or inner.get("currency") or price
    currency = counts_as(beside, resource, is_live)
    amount = readable_minor(inner.get("paidAmount"), currency or account.currencies[0])
    if paid and amount is None:
        currency = counts_as(price, resource, is_live)
        amount = readable_minor(resource.get("requestAmount"), currency or account.currencies[0])
    if partly and amount is None:
        problem = "Request Network says that a part is paid, and not how much"
        return replace(news, status=None, currency=currency, problem=problem)
    return replace(news, status="succeeded" if paid else word, amount=amount, currency=currency)
