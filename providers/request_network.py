"""Request Network: a secure payment page for a stablecoin, a signed webhook, status by id.

Documentation (docs.request.network, read 2026-02 to 2026-09): api-reference/{secure-payments,
webhooks,authentication}, api-features/{payee-destinations,query-requests,secure-payment-pages},
use-cases/{quickstart,webhook-reconciliation}; and the published OpenAPI file (“the spec”).
How money is proven: the webhook, or the answer to ``GET /v2/request/{id}``. Never the return.
Amounts are decimals of a coin. The shop counts a stablecoin as the currency that it stands for, so
the destination must receive one: then "28.00" asks for 28 dollars.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any

from money import EXPONENTS, NotMoney, to_major, to_minor

from .base import (
    BadSignature,
    Capabilities,
    Checkout,
    Hint,
    Malformed,
    PaymentRequest,
    PaymentUpdate,
    Redirect,
    Rejected,
    Unreachable,
    Urls,
    printable,
)
from .http import Reply, call, parse_json

#: Their events that are news of a payment -> our status (api-reference/webhooks). All others change
#: nothing: ``secure_payment.user_event`` and its like are told by a browser.
EVENTS = {
    "payment.confirmed": "succeeded",
    "payment.partial": "partially_paid",
    "payment.failed": "failed",
}

#: A coin's symbol -> the currency that one of it counts as. Any other coin keeps its symbol, which
#: is no currency of the shop, so a person decides what it is worth.
COINS = {
    "USDC": "USD",
    "USDCn": "USD",  # “native” USDC, where the bridged one was first
    "USDT": "USD",
    "USDT0": "USD",
    "EURC": "EUR",
    "FAU": "USD",  # the three coins of Sepolia, worth nothing: only a destination there gets them
    "fUSDC": "USD",
    "fUSDT": "USD",
}

REFUSED = "Request Network cannot take this payment. Nothing was charged. Please pay another way."
CLOSED = (
    "Request Network is closed in this shop right now. Nothing was charged. Please pay another way."
)
#: api-reference/secure-payments: HTTP status -> the sentence for the shopper. What is not listed
#: (429, 500 …) is no answer: ``Unreachable``.
ERRORS = {
    400: REFUSED,  # bad body, or no active destination
    401: CLOSED,  # unauthenticated: our key or Client ID
    403: CLOSED,  # the destination is not the configured one, or the Client ID is revoked
    404: REFUSED,
}

#: ``subStatus`` of a failed payment; the words for the shopper are ours.
REASONS = {"insufficient_funds": "There is not enough of the coin in this wallet."}

#: A wallet, a chain and a token in one (api-features/payee-destinations), on EVM chains and on
#: Tron. The last colon begins the token: the part before it holds one, too.
ADDRESS = r"(0x[0-9A-Fa-f]{40}|T[1-9A-HJ-NP-Za-km-z]{33})"
DESTINATION = re.compile(
    rf"{ADDRESS}@eip155:[1-9][0-9]{{0,19}}#[0-9A-Fa-f]{{8}}:{ADDRESS}", re.ASCII
)

#: 66 hexadecimal digits wherever they were seen; they travel in our URLs.
SAFE_ID = re.compile(r"[A-Za-z0-9]{1,100}", re.ASCII)
#: A ULID, of 26 letters and digits; taken a little wider.
DELIVERY_ID = re.compile(r"[0-9A-Za-z]{1,40}", re.ASCII)
#: A coin divides into up to 18 digits.
COIN_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,18})?", re.ASCII)


@dataclass(frozen=True)
class Account:
    """One platform at Request Network, and the destination of its money.

    :raise ValueError: not one of ``api_key`` and ``client_id``, or ``destination_id`` is no such.
    """

    base_url: str  # https://api.request.network
    origins: tuple[str, ...]  # of the page: https://pay.request.network, https://secure.…
    currencies: tuple[str, ...]  # what the destination's coin counts as: ("USD",) for USDC
    api_key: str = field(repr=False)  # either this,
    client_id: str  # or this, of the kind for a backend: bound to its destination
    webhook_secrets: tuple[str, ...] = field(repr=False)  # one for each registered endpoint
    destination_id: str  # "" when the key or Client ID has its destination

    def __post_init__(self) -> None:
        if bool(self.api_key) == bool(self.client_id):
            raise ValueError("Request Network takes an API key or a Client ID, one of the two")
        if self.destination_id and not DESTINATION.fullmatch(self.destination_id):
            raise ValueError("a destination is <wallet>@eip155:<chain>#<8 hex digits>:<token>")


def capabilities(account: Account) -> Capabilities:
    return Capabilities(
        name="request_network",
        label="Request Network",
        takes="Crypto wallet",
        note="USDC and other stablecoins",
        currencies=account.currencies,
    )


def page_origins(account: Account) -> tuple[str, ...]:
    return account.origins


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /v2/secure-payments`` (api-reference/secure-payments), with one request.

    There is no idempotency key, so the call is sent once. When its answer is lost, the next call
    makes another request; nobody has the page of the first, and it expires by itself.
    Webhooks go where they were registered, so none is named here.

    :raise Unreachable: time-out, 5xx, or too many calls (429).
    :raise Rejected: see :data:`ERRORS`.
    """
    wanted = {"amount": str(to_major(payment.amount, payment.currency))}
    if account.destination_id:
        wanted["destinationId"] = account.destination_id
    payload = {
        "requests": [wanted],
        "reference": payment.reference,
        "redirectUrl": urls.return_url,
        "redirectLabel": "Back to the shop",
    }
    reply = _call(account, "POST", "/v2/secure-payments", payload)
    url, ids = reply.get("securePaymentUrl"), reply.get("requestIds")
    if not isinstance(url, str):
        raise Unreachable("POST /v2/secure-payments: the answer holds no securePaymentUrl")
    if not isinstance(ids, list) or len(ids) != 1:
        raise Unreachable("POST /v2/secure-payments: the answer holds not one request id")
    return Checkout(_id(ids[0], Unreachable), Redirect(url))


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[PaymentUpdate]:
    """Check the signature over the raw bytes, then read the flat event (api-reference/webhooks).

    The secret is 64 hexadecimal digits and used as the text it is. The delivery id and the mark of
    a test are headers, which nobody signs: a true body under a new id says the same once more, and
    totals that were counted are not counted again.

    :raise BadSignature: header missing, or not the lower-case hex HMAC-SHA256 of the body.
    :raise Malformed: signed, but not the documented event.
    """
    signature = headers.get("x-request-network-signature", "").encode()
    expected = [
        hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
        for secret in account.webhook_secrets
        if secret
    ]
    if not any([hmac.compare_digest(signature, each) for each in expected]):
        raise BadSignature("the signature differs" if signature else "the signature is missing")
    try:
        event = parse_json(body)
    except ValueError as error:
        raise Malformed(f"body: {error}") from error
    key = headers.get("x-request-network-delivery", "")
    if not DELIVERY_ID.fullmatch(key):
        raise Malformed("no usable x-request-network-delivery")
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise Malformed("no event")
    word = printable(event["event"], 100)
    request_id = event.get("requestId") or event.get("requestID") or ""  # both are documented
    if headers.get("x-request-network-test") == "true":
        # “Send test”: made-up values, to be acknowledged.
        return [PaymentUpdate(printable(request_id, 100), None, None, f"test: {word}", key)]
    if event["event"] not in EVENTS:
        return [PaymentUpdate(printable(request_id, 100), None, None, word, key)]
    status = EVENTS[event["event"]]
    amount, code, reference = None, event.get("subStatus"), event.get("reference")
    if status != "failed":
        try:
            amount = _paid(event.get("totalAmountPaid"))
        except NotMoney as error:
            raise Malformed(f"totalAmountPaid: {error}") from error
    return [
        PaymentUpdate(
            provider_reference=_id(request_id, Malformed),
            reference=printable(reference, 100) if isinstance(reference, str) else None,
            status=status,
            word=word,
            event_key=key,
            amount=amount,
            currency=_currency(event.get("currency")) if status != "failed" else None,
            failure_code=printable(code, 60) if code and status == "failed" else None,
        )
    ]


def keep_body(account: Account, body: bytes) -> str:
    """Request Network's events hold no secret; the signature travels in a header."""
    return body.decode()


def read_return(account: Account, payment: PaymentRequest, args: Mapping[str, str]) -> Hint:
    """The page has a button to ``redirectUrl``, and appends nothing: someone came back."""
    return Hint()


def explain_failure(code: str | None) -> str:
    """A sentence for the shopper; a bridge between chains fails without giving reasons."""
    return REASONS.get(code or "", "The payment could not be completed on the blockchain.")


def fetch_payment(account: Account, payment: PaymentRequest) -> PaymentUpdate | None:
    """``GET /v2/request/{requestId}`` (api-features/query-requests).

    ``hasBeenPaid`` means in full. ``status`` is a text whose values are not listed; the one that
    is named anywhere is ``partially_paid``. Nothing says that a page has expired or failed.

    :raise ProviderError: no usable answer; nothing is known that was not known before.
    """
    if payment.provider_reference is None:
        return None
    resource = _call(account, "GET", f"/v2/request/{payment.provider_reference}")
    if resource.get("requestId") != payment.provider_reference:
        raise Unreachable("GET /v2/request: the answer is about another request")
    paid, word = resource.get("hasBeenPaid"), printable(resource.get("status") or "", 40)
    if not isinstance(paid, bool):
        raise Unreachable("GET /v2/request: the answer does not say whether it has been paid")
    breakdown = resource.get("conversionBreakdown")
    total = breakdown.get("paidAmount") if isinstance(breakdown, dict) else None
    if paid:
        status, total = "succeeded", total or resource.get("requestAmount")
    else:
        status = "partially_paid" if word == "partially_paid" else "created"
    amount = currency = None
    if status != "created" and total is not None:
        try:
            amount, currency = _paid(total), _currency(resource.get("invoiceCurrency"))
        except NotMoney as error:
            raise Unreachable(f"GET /v2/request: {error}") from error
    return PaymentUpdate(
        provider_reference=payment.provider_reference,
        reference=None,
        status=status,
        word=f"GET: {word or ('paid' if paid else 'not paid')}",
        amount=amount,
        currency=currency,
    )


def _paid(amount: object) -> int:
    """A coin's decimal, such as "9.5" or "10.000000", in cents.

    What is finer than a cent is cut off, never rounded up: a sum counts as complete only when every
    cent of it has come.
    """
    if not isinstance(amount, str) or not COIN_AMOUNT.fullmatch(amount):
        raise NotMoney(f"not a plain decimal amount: {printable(amount, 40)!r}")
    cents = Decimal(amount).quantize(Decimal("0.01"), ROUND_DOWN)
    return to_minor(cents, "USD")  # also where it is no dollar: two digits, for a person to read


def _currency(symbol: object) -> str | None:
    """What the coin counts as; None where none is named: then it is the destination's own."""
    if symbol is None or symbol in [*EXPONENTS]:
        return symbol  # a price in a currency itself
    word = printable(symbol, 20)
    return COINS.get(word, word)


def _id(found: object, problem: type[Exception]) -> str:
    if not isinstance(found, str) or not SAFE_ID.fullmatch(found):
        raise problem("no usable request id")
    return found


def _call(
    account: Account, method: str, path: str, payload: dict[str, Any] | None = None
) -> dict[str, Any]:
    """One call (api-reference/authentication); what makes something is not repeated."""
    headers = (
        {"x-api-key": account.api_key} if account.api_key else {"x-client-id": account.client_id}
    )
    reply = call(
        method, account.base_url + path, headers=headers, payload=payload, repeat=payload is None
    )
    if reply.status in (200, 201) and isinstance(reply.data, dict):
        return reply.data
    words = f"{method} {path}: {_words(reply)}"
    if reply.status in ERRORS:
        raise Rejected(words, ERRORS[reply.status])
    raise Unreachable(words)


def _words(reply: Reply) -> str:
    """The three shapes of errors in the spec, on one line.

    ``{"message": "…"}``, ``{"message": [{"path", "message"}]}`` and
    ``{"message": "Validation failed", "errors": [{"field", "message"}]}``.
    """
    data = reply.data if isinstance(reply.data, dict) else {}
    message, errors = data.get("message"), data.get("errors")
    said = [] if isinstance(message, list) else [str(message)]
    for problems in (message, errors):
        for each in problems if isinstance(problems, list) else []:
            if isinstance(each, dict):
                path = each.get("field") or each.get("path") or ""
                where = ".".join(map(str, path)) if isinstance(path, list) else path
                said.append(f"{where}: {each.get('message')}")
    return printable(f"HTTP {reply.status} {'; '.join(said)}")
