"""HitPay's payment requests, as its documentation and its own plugins show them.

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07); pages are named where followed. Beside
this: ``fields.py`` (what a request must be), ``shapes.py`` and ``webhooks.py`` (what HitPay says),
``refunds.py``, ``webhook_events.py`` (where it says it), and the pages: ``page.py``,
``drop_in.py``, ``qr.py``. What the documentation leaves open is in ``settings.py``.
"""

import uuid
from typing import Any

from flask import request
from sqlalchemy import func, or_, select

from .. import clock
from ..faults import Fault
from ..kit import Provider, Refused, commit, is_secret, minor
from ..kit.paging import listed
from ..models import Delivery, Payment
from . import fields, shapes, webhooks
from .settings import ASSUMPTIONS, HitPaySettings

provider = Provider(
    "hitpay",
    "HitPay",
    settings=HitPaySettings,
    assumptions=ASSUMPTIONS,
    open_in=("pending",),
    # The older docs.html lists 401 and 500; the bodies are an assumption. For 422 there is
    # ``errors``, too: field -> sentences (openapi.json).
    errors={401: {"message": "Invalid Business API Key"}, 500: {"message": "Server Error"}},
    cannot=("three_d_secure", "wrong_environment"),  # its messages name no environment
    own_faults=(
        Fault(
            "payment",
            "other_currency",
            "Another currency",
            "The payer's bank converts: the charge is in another currency than was asked for.",
        ),
    ),
)


def authenticate() -> None:
    """The key in a header of its own (apis/overview)."""
    key = provider.settings.hitpay_api_key.get_secret_value()
    if not is_secret(request.headers.get("X-BUSINESS-API-KEY", ""), key):
        raise provider.refused(401)


api = provider.blueprint("api", "/v1", login=authenticate)

# --- The API: apis/payment-request, openapi.json -----------------------------------------------


@api.post("/payment-requests")
def create_request() -> Any:
    """Make a payment request, from a form or JSON. Errors: 401, 422."""
    return provider.create(
        lambda: make(fields.read(fields.sent())),
        shapes.page_of,
        lambda payment, page: shapes.created(payment) | {"url": page},
    )


@api.get("/payment-requests")
def list_requests() -> dict[str, Any]:
    """The newest first: ``per_page`` (10, at most 100), ``current_page``, ``search``. Errors: 401.

    ``search`` is a part of the e-mail address, the id or the reference number.
    """
    per_page = min(max(request.args.get("per_page", 10, type=int), 1), 100)
    page = max(request.args.get("current_page", 1, type=int), 1)
    query = select(Payment).where(Payment.provider == provider.name)
    if word := request.args.get("search"):
        email = func.json_extract(Payment.details, "$.email")
        columns = (email, Payment.reference, Payment.external_id)
        query = query.where(or_(*(each.contains(word, autoescape=True) for each in columns)))
    return listed(query, page, per_page, shapes.request_shown, "current_page")


@api.get("/payment-requests/<reference>")
def get_request(reference: str) -> dict[str, Any]:
    """One payment request, with its ``payments`` once there are any. Errors: 401, 404."""
    return shapes.request_shown(_find(reference))


@api.put("/payment-requests/<reference>")
def change_request(reference: str) -> dict[str, Any]:
    """Change an open payment request; ``amount`` and ``currency`` are required.

    Errors: 401, 404, 422.
    """
    payment = _open(reference, "changed")
    sent = fields.sent()
    wanted = fields.read(sent)
    payment.amount, payment.currency = wanted.amount, wanted.currency
    changed = wanted.details.keys() & sent.keys() - {"metadata"}
    payment.details |= {name: wanted.details[name] for name in changed}
    payment.external_id = payment.details["reference_number"]
    payment.return_url = payment.details["redirect_url"] or ""
    payment.details["updated_at"] = shapes.local_time()
    if wanted.lifetime:
        payment.details["expiry_date"] = shapes.local_time(wanted.lifetime)
        payment.timer = clock.now() + wanted.lifetime
    commit()
    return shapes.request_shown(payment)


@api.delete("/payment-requests/<reference>")
def delete_request(reference: str) -> dict[str, Any]:
    """Close a payment request for good. Errors: 401, 404, 422."""
    _end(_open(reference, "deleted"), "canceled")
    commit()
    return {"success": True}


def _find(reference: str) -> Payment:
    return provider.found(reference, unknown("PaymentRequest", reference))


def unknown(model: str, reference: str) -> Refused:
    return Refused(404, f"No query results for model [App\\Business\\{model}] {reference}")


def _open(reference: str, verb: str) -> Payment:
    payment = _find(reference)
    if payment.status != "pending":
        raise Refused(422, f"A {payment.status} payment request cannot be {verb}.")
    return payment


# --- A payment request: made, moved on ---------------------------------------------------------


def make(wanted: fields.Wanted) -> Payment:
    """A payment request that waits for money. The caller commits."""
    reference, lifetime = str(uuid.uuid4()), wanted.lifetime
    return provider.new(
        reference=reference,
        external_id=wanted.details["reference_number"],
        amount=wanted.amount,
        currency=wanted.currency,
        return_url=wanted.details["redirect_url"] or "",
        lifetime=lifetime,
        details=wanted.details
        | {
            "expiry_date": shapes.local_time(lifetime) if lifetime else None,
            "updated_at": shapes.local_time(),
            "payments": [],
            "declines": 0,  # cards that the page was given in vain
            "method": None,  # by which it is paid; None: the first
            "qr_code": shapes.qr_address(reference) if wanted.details["generate_qr"] else None,
            # clock.now(), whatever becomes of the request
            "qr_ends": clock.now() + lifetime if lifetime else None,
        },
    )


def is_payable(payment: Payment) -> bool:
    """The page takes money: it was never paid, or takes repeated payments."""
    if payment.status == "completed":
        return bool(payment.details["allow_repeated_payments"] and not _is_over(payment))
    return payment.status == "pending"


def _is_over(payment: Payment) -> bool:
    return bool(payment.details.get("is_over"))


def _end(payment: Payment, status: str) -> None:
    """The page is over. That alone sends no webhook."""
    payment.status, payment.timer = status, None
    payment.details |= {"updated_at": shapes.local_time(), "is_over": True}


@provider.pays
def succeed(payment: Payment) -> list[Delivery]:
    """The money is taken, and the shop told; with the fault "pay twice", two payments are told."""
    if payment.details["allow_repeated_payments"] and not _is_over(payment):
        payment.status = "completed"  # and its timer runs on
        payment.details["updated_at"] = shapes.local_time()
    else:
        _end(payment, "completed")
    times = 2 if payment.fault == "pay_twice" else 1
    return [delivery for _ in range(times) for delivery in add_charge(payment)]


@provider.expires
def expire(payment: Payment) -> None:
    _end(payment, "completed" if payment.status == "completed" else "expired")


def add_charge(payment: Payment) -> list[Delivery]:
    """The request is paid, for the first time or once more. The caller commits."""
    charge = _add_entry(payment, "succeeded")
    count_foreign(payment, charge["currency"], minor(charge["amount"]))
    return webhooks.tell_request(payment, "completed") + webhooks.tell_charge(payment, "created")


def decline(payment: Payment) -> list[Delivery]:
    """A card was refused: final once the page has taken as many as it accepts."""
    payment.details["declines"] += 1
    _add_entry(payment, "failed")
    sent = webhooks.tell_charge(payment, "failed")
    is_last = payment.details["declines"] >= provider.settings.sandbox_hitpay_attempts
    if is_last and payment.status == "pending":
        _end(payment, "failed")
    elif not provider.settings.sandbox_hitpay_send_declines:
        return sent
    return sent + webhooks.tell_request(payment, "failed")


@provider.counts_taken
def taken(payment: Payment) -> int:
    """What came in the request's currency; the rest is ``foreign``."""
    return sum(
        minor(each["amount"])
        for each in payment.details["payments"]
        if each["status"] != "failed" and each["currency"] == payment.currency.lower()
    )


def _add_entry(payment: Payment, status: str) -> dict[str, Any]:
    method = payment.details["method"] or payment.details["payment_methods"][0]
    made = shapes.entry(payment, status, method)
    payment.details["payments"] = [*payment.details["payments"], made]
    return made


def count_foreign(payment: Payment, currency: str, amount: int) -> None:
    """Count money in another currency than was asked for; less than 0: it was refunded."""
    currency, counted = currency.upper(), payment.details.get("foreign", {})
    if currency != payment.currency:
        payment.details["foreign"] = counted | {currency: counted.get(currency, 0) + amount}
