"""Request Network's secure payments, as its documentation shows them.

Documentation (docs.request.network, read 2026-02 to 2026-09): api-reference/{secure-payments,
webhooks,authentication}, api-features/{payee-destinations,query-requests}, use-cases/{quickstart,
webhook-reconciliation}. Beside this: ``rules.py`` (what a call must be), ``coins.py`` and
``transfers.py`` (what is paid with and where to), ``webhooks.py``, ``page.py``, ``page_calls.py``
(what the real page asks), ``signing.py`` and ``abi.py`` (what a wallet signs), ``intents.py`` (what
comes of it) and ``chain.py``.
What the documentation leaves open is in ``settings.py``.
"""

import secrets
from http import HTTPStatus
from typing import Any

from flask import request
from sqlalchemy import exists, func, select

from .. import clock
from ..faults import Fault
from ..kit import Provider, Refused, is_secret, minor
from ..models import Delivery, Payment, db
from . import rules
from .coins import destination
from .settings import ASSUMPTIONS, RequestNetworkSettings
from .transfers import decimal, left, missing, shares, transfer, ulid
from .webhooks import RETRY_COUNT, notify

LIFETIME = 7 * 86400  # seconds; use-cases/quickstart


def envelope(error: Refused) -> dict[str, Any]:
    """Of the spec. ``message`` may be a list of problems. A page that is over has its own form."""
    if error.more:
        return {"message": error.message, **error.more}
    title = HTTPStatus(error.status).phrase
    return {"statusCode": error.status, "message": error.message, "error": title}


provider = Provider(
    "request_network",
    "Request Network",
    settings=RequestNetworkSettings,
    assumptions=ASSUMPTIONS,
    open_in=("pending", "partially_paid"),
    envelope=envelope,
    errors={  # no table of bodies is published; the words of other endpoints in the spec
        404: {"message": "Not found"},
        500: {"message": "Internal server error"},
    },
    cannot=("decline", "three_d_secure", "wrong_environment"),  # a wallet is no card
    own_faults=(
        Fault(
            "payment",
            "transfer_fails",
            "The transfer fails",
            "A while after the wallet has sent it, a bridge or a Safe gives it up.",
        ),
        Fault(
            "payment",
            "never_mined",
            "Never mined",
            "No block takes the wallet's transaction in. Nothing is told, and the page can be "
            "paid again a while later.",
        ),
    ),
    counts_retries_in=RETRY_COUNT,
)


def authenticate(*names: str) -> None:
    """One of these headers holds the key or Client ID that is configured; of both, if not named."""
    expected = {
        "x-client-id": provider.settings.request_network_client_id,
        "x-api-key": provider.settings.request_network_api_key.get_secret_value(),
    }
    for name in names or expected:
        if expected[name] and is_secret(request.headers.get(name, ""), expected[name]):
            return
    raise provider.refused(401)


api = provider.blueprint("api", "/v2", login=authenticate)

# --- The API: api-reference/secure-payments, api-features/query-requests -----------------------


@api.post("/secure-payments")
def create_secure_payment() -> Any:
    """Make a page for one request or several; 201, and a new one each time.

    Errors: 400, 401, 403.
    """

    def reply(payment: Payment, page: str) -> Any:
        return {
            "requestIds": [each["id"] for each in payment.details["requests"]],
            "securePaymentUrl": page,
            "token": payment.details["token"],
            "feePlan": None,
        }, 201

    return provider.create(_new, page_of, reply)


@api.get("/request/<reference>")
def show_request(reference: str) -> dict[str, Any]:
    """The state of one request. Errors: 401, 404."""
    payment, wanted = _request(reference)
    details, received = payment.details, wanted["payments"]
    is_paid = left(wanted) == 0
    reply: dict[str, Any] = {
        "hasBeenPaid": is_paid,
        "requestId": wanted["id"],
        "paymentReference": wanted["paymentReference"],
        "payee": details["payee"],
        "isListening": not is_paid,
        "txHash": received[-1]["txHash"] if received else None,
        "requestAmount": wanted["amount"],
        "invoiceCurrency": details["invoiceCurrency"],
        "paymentCurrency": details["coin"],
        "reference": payment.external_id,
        "network": details["network"],
        "payments": [
            {
                "amount": decimal(each["cents"]),
                "sourceNetwork": each["network"],
                "destinationNetwork": details["network"],
                "sourceTxHash": each["txHash"],
                "payerAddress": each["payer"],
                "timestamp": each["timestamp"],
                "type": "direct" if each["network"] == details["network"] else "crosschain",
                "currency": details["coin"],
            }
            for each in received
        ],
        "conversionBreakdown": None,
    }
    if len(received) > 1 or (received and not is_paid):
        reply["conversionBreakdown"] = {
            "paidAmount": decimal(wanted["cents"] - left(wanted)),
            "remainingAmount": decimal(left(wanted)),
        }
    if received and not is_paid:
        reply["status"] = "partially_paid"
    return reply


def _request(reference: str) -> tuple[Payment, dict[str, Any]]:
    """One of the requests that a link collects, whose first is the payment's own reference.

    :raise Refused: unknown.
    """
    payment = provider.find(reference)  # by the index
    if payment is None:
        requests = func.json_each(Payment.details, "$.requests").table_valued("value")
        among = exists().where(func.json_extract(requests.c.value, "$.id") == reference)
        payment = db.session.scalar(select(Payment).where(Payment.provider == provider.name, among))
    if payment is None:
        raise Refused(404, "Request not found")
    (found,) = (each for each in payment.details["requests"] if each["id"] == reference)
    return payment, found


# --- A payment: made, paid ---------------------------------------------------------------------


def _new() -> Payment:
    payload = rules.checked_payload()
    wanted = payload["requests"]
    places = [destination(each) for each in wanted]
    if any(place != places[0] for place in places):
        raise Refused(400, "All requests must have the same destination")
    requests = [
        {
            "id": f"01{secrets.token_hex(32)}",
            "paymentReference": f"0x{secrets.token_hex(8)}",
            "amount": each["amount"],
            "cents": minor(each["amount"]),
            "payments": [],
        }
        for each in wanted
    ]
    return provider.new(
        reference=requests[0]["id"],
        external_id=payload.get("reference"),
        amount=sum(each["cents"] for each in requests),
        currency="USD",
        return_url=payload.get("redirectUrl", ""),
        lifetime=LIFETIME,
        details={
            "token": ulid(),
            "requests": requests,
            "label": payload.get("redirectLabel"),
            **places[0],
            "ends": clock.now() + LIFETIME,
            "connected": False,  # a wallet, on the page
            "approved": None,  # what the wallet may pay next
            "signs": None,  # what /pay answers for that
            "announced": {},  # hash of a transaction -> id of the intent
            "coming": None,  # what it has paid, but is not confirmed
            "fate": None,  # what came of the last one
        },
    )


def page_of(payment: Payment) -> str:
    token = payment.details["token"]
    return f"{provider.settings.sandbox_url}/request_network/?token={token}"


def by_token(token: str) -> Payment | None:
    """The payment of a page."""
    return db.session.scalar(
        select(Payment).where(
            Payment.provider == provider.name, Payment.details["token"].as_string() == token
        )
    )


@provider.pays
def pay_all(payment: Payment) -> list[Delivery]:
    """What is on its way arrives; failing that, all that is missing in the destination's coin."""
    details = payment.details
    full = transfer(details["chain"], details["coin"], missing(payment))
    return receive(payment, details["coming"] or full)


def receive(payment: Payment, paid: dict[str, Any]) -> list[Delivery]:
    """Money arrives, its bridge fails, or it is lost: tell the shop. The caller commits."""
    details, is_expired = payment.details, payment.status == "expired"
    details["coming"], payment.timer = None, None if is_expired else details["ends"]
    details["fate"] = paid["fate"]
    if paid["fate"] == "lost":
        return []
    parts = shares(payment, paid["cents"])
    if paid["fate"] == "fails":
        return [each for index in parts for each in notify(payment, index, "payment.failed")]
    details["requests"] = [
        wanted | {"payments": [*wanted["payments"], paid | {"cents": parts[index]}]}
        if index in parts
        else wanted
        for index, wanted in enumerate(details["requests"])
    ]
    if missing(payment) > 0:
        payment.status = "expired" if is_expired else "partially_paid"
    else:
        payment.status, payment.timer = "completed", None
    news = []
    for index in parts:
        is_full = left(details["requests"][index]) == 0
        times = 2 if is_full and payment.fault == "pay_twice" else 1
        news += [(index, "payment.confirmed" if is_full else "payment.partial")] * times
    return [
        delivery
        for number, (index, event) in enumerate(news, 1)
        for delivery in notify(
            payment, index, event, payment.status == "completed" and number == len(news)
        )
    ]


@provider.expires
def expire(payment: Payment) -> None:
    """The page can no longer be paid. No webhook says so."""
    payment.status, payment.timer = "expired", None


@provider.rings
def ring(payment: Payment) -> None:
    """Money that was on its way arrives, or the page has reached its end."""
    if payment.details["coming"]:
        pay_all(payment)
    else:
        expire(payment)


@provider.counts_taken
def taken(payment: Payment) -> int:
    voided: int = payment.details.get("voided", 0)
    return payment.amount - missing(payment) + voided
