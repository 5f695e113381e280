"""Request Network: a secure payment page for a stablecoin, a signed webhook, status by id.

Documentation (docs.request.network, read 2026-02 to 2026-09): api-reference, api-features/
{query-requests,secure-payment-pages}, use-cases. Money is proven by the webhook, or the answer to
``GET /v2/request/{id}``, never by the return, to which nothing is appended. Amounts are decimals of
a coin; the shop counts a stablecoin as the currency that it stands for, so the destination
(``destination.py``) must receive one: then "28.00" asks for 28 dollars.

A webhook's ``event_key`` is the delivery's id, the same on its retries, with a digest of the body:
the id alone is a header and not signed, so it must not hide what another body says. The same body
under another id carries the same running totals, which change nothing; two failures are two.

================================  ===============================================================
``payment.confirmed``             the running total that was paid, in full
``payment.partial``               the running total that was paid
``payment.failed``                a transfer failed, or fell out of the chain after all
``payment.refunded``              money went back, by no call of ours: a person is told
a test, by its header             acknowledged; its key begins with "test:"
anything else                     kept, and changes nothing
one that does not say how much    kept, and Request Network is asked
one that names two requests       kept, a person is told, and Request Network is asked
one without a request's id        400: it does not say whose money it is about
================================  ===============================================================
"""

from collections.abc import Mapping
from dataclasses import replace

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
)
from ..money import to_major
from ..proof import by_answer, check_hmac
from ..text import printable
from .api import FAILURES, SAFE_ID, call_api, read_event, usable_id
from .api import Account as Account
from .destination import destination_fields
from .pages import resume_checkout as resume_checkout
from .parts import fetch_parts, split
from .sums import add_paid, add_total
from .webhook_calls import delete_webhook as delete_webhook
from .webhook_calls import find_webhooks as find_webhooks
from .webhook_calls import register_webhook as register_webhook

#: Their events that are news of a payment -> our status (api-reference/webhooks). All others change
#: nothing: ``secure_payment.user_event`` and its like are told by a browser.
EVENTS = {
    "payment.confirmed": "succeeded",
    "payment.partial": "partially_paid",
    "payment.failed": "failed",
}
PAGE_MINUTES = 7 * 24 * 60  # use-cases/quickstart: a link lives for a week; nothing renews it


def capabilities(account: Account) -> Capabilities:
    return Capabilities(
        name="request_network",
        label="Request Network",
        takes="Crypto wallet",
        note="USDC and other stablecoins",
        currencies=account.currencies,
        page_origins=account.origins,
        failed="The payment could not be completed on the blockchain.",
        failures=FAILURES,
        mark="coin",
        page_minutes=PAGE_MINUTES,
        silent_minutes=PAGE_MINUTES,
    )


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /v2/secure-payments``: one request, or one for each line where so set (``parts.py``).

    Sent once, since there is no idempotency key. When its answer is lost, no shopper has the page
    of that link, and it expires by itself. Webhooks go where they were registered.
    """
    amounts, destination = split(account, payment), destination_fields(account)
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

    The secret is 64 hexadecimal digits and used as the text it is.
    """
    signature = headers.get("x-request-network-signature", "")
    proof = check_hmac("x-request-network-signature", signature, body, account.webhook_secrets)
    event, key = read_event(headers, body)
    word, both = printable(event["event"], 100), (event.get("requestId"), event.get("requestID"))
    request_id = both[0] or both[1] or ""  # either is documented
    other = News(printable(request_id, 100), None, None, word, key, proof=proof)
    if headers.get("x-request-network-test") == "true":  # made-up values, to be acknowledged
        return [replace(other, word=f"test: {word}", event_key=f"test:{key}")]
    if word not in (*EVENTS, "payment.refunded"):
        return [other]
    status, reference, code = EVENTS.get(word), event.get("reference"), event.get("subStatus")
    news = News(
        provider_reference=usable_id(request_id, Malformed),
        reference=printable(reference, 100) if isinstance(reference, str) else None,
        status=status,
        word=word,
        event_key=key,
        failure_code=printable(code, 60) if code and status == "failed" else None,
        proof=proof,
    )
    if all(both) and both[0] != both[1]:
        problem = f"Request Network says {word} of two requests at once"
        return [replace(news, status=None, problem=problem, check=True)]
    if word == "payment.refunded":
        back = printable(f"{event.get('refundAmount')} {event.get('currency')}", 60)
        return [replace(news, problem=f"Request Network says that it refunded {back}")]
    return [news if status == "failed" else add_total(account, news, event)]


def fetch_payment(account: Account, payment: PaymentRequest) -> list[News]:
    """``GET /v2/request/{requestId}``: by Request Network's id only, for each of its parts."""
    if payment.provider_reference is None:
        return []
    if len(payment.parts) > 1:
        return [fetch_parts(account, payment)]
    return [fetch_request(account, payment.provider_reference)]


def fetch_request(account: Account, request_id: str) -> News:
    """The truth about one request: ``hasBeenPaid`` means in full.

    ``status`` is a text whose values are not listed; the one that is named anywhere is
    ``partially_paid``. Nothing says that a page has expired or failed.
    """
    resource = call_api(account, "GET", f"/v2/request/{request_id}")
    if resource.get("requestId") != request_id:
        raise Unreachable("GET /v2/request: the answer is about another request")
    paid, word = resource.get("hasBeenPaid"), printable(resource.get("status") or "", 40)
    if not isinstance(paid, bool):
        raise Unreachable("GET /v2/request: the answer does not say whether it has been paid")
    partly = word == "partially_paid"
    news = News(
        provider_reference=request_id,
        reference=None,
        status="succeeded" if paid else word if partly else "created",
        word=f"GET: {word or ('paid' if paid else 'not paid')}",
        proof=by_answer(f"/v2/request/{request_id}"),
    )
    return add_paid(account, news, resource) if paid or partly else news
