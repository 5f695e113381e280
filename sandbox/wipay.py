"""WiPay's transactions (Caribbean): request, return and webhooks, as its documentation shows them.

Documentation (docs.wipayfinancial.com, read 2026-11): Payments API v1.0.11, webhooks,
hosted-checkout-flows; fees and ``hash`` also in the PDF "Payments API Documentation" v1.0.8. The
hosted page is in ``wipay_page.py``; WAPI in ``wipay_wapi.py`` (look-ups, refunds) and
``wipay_cards.py`` (Trusted Cards); what a merchant sees in ``wipay_merchant.py``. What the
documentation leaves open is a setting ``SANDBOX_WIPAY_…``, or one of :data:`ASSUMPTIONS`.
"""

import base64
import hashlib
import hmac
import json
import random
import re
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, redirect, request
from sqlalchemy import select

from . import clock, deliveries, faults
from .background import commit
from .models import Delivery, Payment, control, db
from .old import settings

NAME, TITLE = "wipay", "WiPay"
MERCHANT_ID = 1  # in transaction ids, as in the documented examples
ATLANTIC = timezone(timedelta(hours=-4))  # of transaction ids and of ``date`` in the return
LIFETIME, AVS_LIFETIME = 180, 300  # seconds; hosted-checkout-flows
COMPLETION = 30  # seconds from the end of a session to "timed out"; hosted-checkout-flows
RETRY_AFTER = (10, 30, 60, 120)  # seconds; an assumption

ASSUMPTIONS = (
    "Error texts are ours; a request that breaks a rule is answered 400. The error parameters of "
    "response_url are status, message, order_id and date.",
    "Redirects are 303. A response_url that already has a query is continued with “&”.",
    "A repeated order_id makes another transaction, with an id of its own.",
    "The legacy method credit_card is accepted as well as credit_card_co; email is required.",
    "total has exactly two decimals; TTD 5.00 to 20400.00 and USD 0.74 to 3000.00 are accepted.",
    "Every country's page is the one of the FAC gateway: numbers that are not listed are approved, "
    "and none is checked by Luhn's rule. With avs=1 it takes the billing address, too, and any "
    "will do.",
    "A declined card ends the transaction: [2-R2]; a wrong 3-D Secure password does, too: [3-RA9]. "
    "There is no way to cancel; who leaves lets the session expire.",
    "Fees are rounded half up, and so is their half in “split”. Nothing is converted.",
    "Whoever is still on an expired page goes back to response_url without a result.",
    "An outcome that WiPay did not learn at once (the fault “pay late”) is learnt by its recovery "
    "job, of which nothing tells the browser.",
    "payment.created is sent for every request. A webhook's data is the transaction as WAPI shows "
    "it; a retry comes after 10, 30, 60 and 120 seconds with the bytes and headers of the first.",
    "WAPI's hash, 64 digits, is made of nothing that means anything. An unknown transaction is "
    "answered 400, as for refunds. A refunded one stays success, and its status_desc is Refunded. "
    "WAPI takes form fields and JSON. Its tokens and rate limits are not imitated: only the key.",
    "A refund made on the dashboard is told as one that was asked for and granted is. A "
    "chargeback leaves a transaction success and is shown by its status_desc: Chargeback Pending, "
    "Processed (the money is gone), Released (it stays).",
    "A rejected refund may be asked for again. Saving a card debits USD 0.50 to 1.50 and sends no "
    "webhook; its return has no hash. The page of a charge asks for no card data.",
)

#: payments-api/fee-rates: country -> percentage on the free plan, and on any paid one.
FEES = {
    "BB": ("3.80", "3.80"),
    "GD": ("4.20", "3.80"),
    "GY": ("4.20", "3.80"),
    "JM": ("4.20", "3.80"),
    "TT": ("3.50", "3.00"),
}
TAX = Decimal("1.15")  # on the percentage fee, everywhere but in TT
FLAT = {"USD": 25, "TTD": 170}  # minor units, in TT only; USD 0.25 at the static rate of 6.80
LIMITS = {"TTD": (500, 2_040_000), "USD": (74, 300_000)}  # minor units; wapi/transactions/meta

#: Key -> how WAPI shows it.
FEE_STRUCTURES = {
    "customer_pay": "Customer Pay",
    "merchant_absorb": "Merchant Absorb",
    "split": "Split",
}

#: A chargeback as WAPI shows it; an assumption.
DISPUTES = {
    "opened": "Chargeback Pending",
    "lost": "Chargeback Processed",
    "won": "Chargeback Released",
}

#: The events in which money goes back, and the fields of a webhook that hold an amount.
GOES_BACK = ("payment.refunded", "payment.chargeback_pending", "payment.chargeback_processed")
AMOUNTS = ("total", "total_credited")

#: Of order_id and origin: letters, digits, dash and underscore, the last two only inside.
NAME_PATTERN = re.compile(r"(?![_-])[A-Za-z0-9_-]{1,48}(?<![_-])", re.ASCII)
TOTAL_PATTERN = re.compile(r"[0-9]{1,7}\.[0-9]{2}", re.ASCII)
EMAIL_PATTERN = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

#: ``Create`` faults of faults.py -> HTTP status and text.
ERRORS = {
    "401": (401, "Unauthorized"),
    "500": (500, "Internal Server Error"),
    "502": (502, "Bad Gateway"),
    "503": (503, "Service Unavailable"),
}

bp = Blueprint("wipay", __name__, url_prefix="/wipay")


class Refused(Exception):
    """A request is answered with an error: HTTP status, message for people."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@bp.errorhandler(Refused)
def answer_error(error: Refused) -> Any:
    """JSON mode tells the caller; redirect mode sends the browser to the shop with the error."""
    db.session.rollback()
    response_url = request.form.get("response_url", "")
    if not is_web_address(response_url):
        return {"message": error.message}, error.status
    url = extended(
        response_url,
        {
            "status": "error",
            "message": error.message,
            "order_id": request.form.get("order_id", ""),
            "date": datetime.now(ATLANTIC).strftime("%Y-%m-%d %H:%M:%S"),
        },
    )
    if _wants_json():
        return {"url": url, "message": error.message}, error.status
    return redirect(url, 303)


# --- The API: payments-api/payment-request ------------------------------------------------------


@bp.post("/plugins/payments/request")
def create_payment() -> Any:
    """Make a transaction with a hosted page; each call makes another one.

    ``Accept: application/json`` answers with JSON, anything else with a redirect.
    """
    return answer_create(lambda: create(_checked_form()), as_json=_wants_json())


def answer_create(make: Callable[[], Payment], as_json: bool = True) -> Any:
    """Make a transaction, unless a fault wants otherwise, and say where its page is."""
    fault = faults.strike_create("WiPay", ERRORS, Refused)
    payment = make()
    url = page_url(payment)
    if fault == "foreign_redirect":
        url = f"{faults.FOREIGN_PAGE}/checkout/payment?_data={_opaque(payment)}"
    faults.finish_create(fault, lambda: succeed(payment))
    db.session.commit()
    if as_json:
        return {"url": url, "message": "OK", "transaction_id": payment.reference}
    return redirect(url, 303)


# --- What a request must be --------------------------------------------------------------------


def _wants_json() -> bool:
    return "application/json" in request.headers.get("Accept", "")


def _checked_form() -> dict[str, str]:
    """The fields of a request, in the order of checks that hosted-checkout-flows names."""
    form = request.form.to_dict()
    rules = {
        "account_number": form.get("account_number") == settings().wipay_account_number,
        **shared_rules(form),
        "method": form.get("method") in ("credit_card_co", "credit_card"),
        "email": bool(EMAIL_PATTERN.fullmatch(form.get("email", ""))) and len(form["email"]) <= 50,
        "name": len(form.get("name", "")) <= 60,
        "data": len(form.get("data", "")) <= 4096,
        "version": len(form.get("version", "")) <= 16,
        "avs": form.get("avs", "0") in ("0", "1", "true", "false"),
    }
    keep_to(rules, form)
    return form


def shared_rules(form: Mapping[str, str]) -> dict[str, bool]:
    """What holds for a payment and for the charge of a saved card: field -> whether it is kept."""
    currency, origin = form.get("currency", ""), form.get("origin", "")
    return {
        "country_code": form.get("country_code") == settings().wipay_country_code,
        "currency": currency in settings().sandbox_wipay_currencies,
        "environment": form.get("environment") == "sandbox",
        "fee_structure": form.get("fee_structure") in FEE_STRUCTURES,
        "total": _is_total(form.get("total", ""), currency),
        "order_id": bool(NAME_PATTERN.fullmatch(form.get("order_id", ""))),
        "origin": bool(NAME_PATTERN.fullmatch(origin)) and len(origin) <= 32,
        "response_url": is_web_address(form.get("response_url", "")),
    }


def keep_to(rules: Mapping[str, bool], form: Mapping[str, str]) -> None:
    """
    :raise Refused: names the first field that breaks its rule.
    """
    for field, is_kept in rules.items():
        if not is_kept:
            problem = "is invalid" if form.get(field) else "is required"
            raise Refused(400, f"The {field} field {problem}.")


def _is_total(total: str, currency: str) -> bool:
    smallest, largest = LIMITS.get(currency, (100, 10**8))
    return bool(TOTAL_PATTERN.fullmatch(total)) and smallest <= minor(total) <= largest


def is_web_address(value: str) -> bool:
    if not re.fullmatch(r"[!-~]{1,255}", value):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


# --- A transaction: made, shown, finished ------------------------------------------------------


def create(
    form: Mapping[str, str],
    saved_card: tuple[str, str] | None = None,
    saves_card: bool = False,
) -> Payment:
    """A transaction whose page waits for a card, for a card to keep (``saves_card``), or for a nod
    to a ``saved_card`` (its network and last four digits).
    """
    network, last_four = saved_card or (None, None)
    lifetime = AVS_LIFETIME if form.get("avs") in ("1", "true") else LIFETIME
    payment = Payment(
        provider=NAME,
        reference=_new_transaction_id(form["order_id"]),
        external_id=form["order_id"],
        amount=minor(form["total"]),
        currency=form["currency"],
        refunded=0,
        status="incomplete",
        return_url=form["response_url"],
        created_at=clock.timestamp(),
        timer=clock.now() + lifetime,
        fault=control().payment_fault,
        delivery_fault=control().delivery_fault,
        details={
            "form": {
                name: form.get(name)
                for name in ("origin", "total", "fee_structure", "email", "name")
            },
            "data": form.get("data"),
            "avs": form.get("avs") in ("1", "true"),
            "address": None,
            "uses_saved_card": saved_card is not None,
            "saves_card": saves_card,
            "uuid": None,  # of the card that was saved
            "refund": None,  # requested, refunded or rejected
            "network": network,
            "card": masked(last_four) if last_four else None,
            "expiry": None,  # MM/YY; like the holder kept for a card that is to be saved
            "holder": None,
            "declined": False,
            "message": None,
            "date": None,  # ISO 8601, of the end
            "step": "form",  # of the hosted page: form, challenge, expired, done
            "succeeds_late": False,
        },
    )
    db.session.add(payment)
    db.session.flush()
    notify(payment, "payment.created")
    commit()
    return payment


def _new_transaction_id(order_id: str) -> str:
    """Dash-joined: SB, 1 to 99, the merchant, the order, the time in UTC-4 (an inference)."""
    moment = datetime.now(ATLANTIC).strftime("%Y%m%d%H%M%S")
    while True:
        number = random.randint(1, 99)  # noqa: S311  # no secret
        made = f"SB-{number}-{MERCHANT_ID}-{order_id}-{moment}"
        taken = select(Payment.id).where(Payment.provider == NAME, Payment.reference == made)
        if db.session.scalar(taken) is None:
            return made


def masked(last_four: str) -> str:
    return f"XXXXXXXXXXXX{last_four}"


def page_url(payment: Payment) -> str:
    return f"{settings().sandbox_url}/wipay/checkout/payment?_data={_opaque(payment)}"


def _opaque(payment: Payment) -> str:
    return base64.urlsafe_b64encode(payment.reference.encode()).decode()


def find(opaque: str) -> Payment | None:
    """The payment of a page's ``_data``."""
    try:
        transaction_id = base64.urlsafe_b64decode(opaque.encode()).decode()
    except ValueError:
        return None
    return db.session.scalar(
        select(Payment).where(Payment.provider == NAME, Payment.reference == transaction_id)
    )


def minor(total: str) -> int:
    """ "12.05" is 1205."""
    return int(total.replace(".", ""))


def major(amount: int) -> str:
    """1205 is "12.05"."""
    return f"{amount // 100}.{amount % 100:02}"


def fee(amount: int, currency: str, country: str, plan: str) -> int:
    """WiPay's fee on a total, in minor units (payments-api/fee-rates)."""
    free, paid = FEES[country]
    part = amount * Decimal(paid if plan == "paid" else free) / 100
    return half_up(part + FLAT.get(currency, 0) if country == "TT" else part * TAX)


def fee_of(payment: Payment) -> int:
    return fee(
        payment.amount,
        payment.currency,
        settings().wipay_country_code,
        settings().sandbox_wipay_fee_plan,
    )


def final_total(payment: Payment) -> int:
    """What the payer is debited, in minor units."""
    match payment.details["form"]["fee_structure"]:
        case "customer_pay":
            return payment.amount + fee_of(payment)
        case "split":
            return payment.amount + half_up(Decimal(fee_of(payment)) / 2)
    return payment.amount


def half_up(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def shown(payment: Payment) -> dict[str, Any]:
    """A transaction as WAPI shows it; an incomplete one has fewer fields (wapi/transactions)."""
    details, form = payment.details, payment.details["form"]
    is_finished = payment.status != "incomplete"
    everything = {
        "card": details["card"],
        "currency": payment.currency,
        "currency_credited": payment.currency,
        "customer_address": details.get("address"),
        "customer_email": form["email"],
        "customer_name": form["name"],
        "customer_phone": None,
        "data": details["data"],
        "date": details["date"] or f"{payment.created_at[:19]}+00:00",
        "fee_structure": FEE_STRUCTURES[form["fee_structure"]],
        "hash": hashlib.sha256(payment.reference.encode()).hexdigest(),
        "message": details["message"],
        "order_id": payment.external_id,
        "origin": f"Payment made through the plugin: {form['origin']}",
        "receiver": settings().sandbox_merchant_name,
        "status": payment.status,
        "status_desc": _status_desc(payment),
        "total": major(final_total(payment)),
        "total_credited": major(final_total(payment) - fee_of(payment)),
        "transaction_id": payment.reference,
    }
    if is_finished:
        return everything
    missing = ("card", "customer_email", "hash", "message", "origin", "receiver", "total_credited")
    return {field: value for field, value in everything.items() if field not in missing}


def _status_desc(payment: Payment) -> str:
    if payment.status == "incomplete":
        return "Transaction Incomplete"
    if dispute := payment.details.get("dispute"):
        return DISPUTES[dispute]
    return "Refunded" if payment.refunded else "Normal"


def finish(payment: Payment, status: str, message: str) -> list[Delivery]:
    """End the transaction and tell the shop. The caller commits."""
    payment.status = status
    payment.timer = None
    payment.details["step"] = "done"
    payment.details["message"] = message
    payment.details["date"] = datetime.now(UTC).isoformat(timespec="seconds")
    return notify(payment, f"payment.{status}")


def succeed(payment: Payment) -> list[Delivery]:
    """The money is taken; with the fault "pay twice", that is reported twice."""
    sent = finish(payment, "success", "[1-R1]: Transaction is approved.")
    return sent + notify(payment, "payment.success") if payment.fault == "pay_twice" else sent


def expire(payment: Payment, succeeds_late: bool = False) -> None:
    """The session ends; what became of the transaction is decided a while later."""
    wait = settings().sandbox_wipay_recovery_minutes * 60 if succeeds_late else COMPLETION
    payment.details["step"] = "expired"
    payment.details["succeeds_late"] = succeeds_late
    payment.timer = clock.now() + wait


def timer_rang(payment: Payment) -> None:
    """The session has reached its end, WiPay looks after one that did, or decides on a refund."""
    if payment.details.get("refund") == "requested":
        decide_refund(payment, settings().sandbox_wipay_refunds == "granted")
    elif payment.details["step"] != "expired":
        expire(payment)
    elif payment.details["succeeds_late"]:
        succeed(payment)
    else:
        status = settings().sandbox_wipay_timeout_status
        finish(payment, status, "[3-R3]: Transaction timed out.")


def taken(payment: Payment) -> int:
    """Minor units that were taken, whatever was given back since."""
    return payment.amount if payment.status == "success" else 0


def decide_refund(payment: Payment, granted: bool, reason: str = "") -> None:
    """End an open refund request and tell the shop (webhooks/payments-api). The caller commits."""
    payment.timer = None
    if granted:
        payment.details["refund"] = "refunded"
        payment.refunded = payment.amount
        notify(payment, "payment.refunded")
    else:
        payment.details["refund"] = "rejected"
        meta = {"reason": reason or "The refund was not approved."}
        notify(payment, "payment.refund_rejected", meta)


# --- The return: payments-api/transaction-response ---------------------------------------------


def returning(payment: Payment) -> str:
    """``response_url`` with the result in its query; without one while there is none."""
    details, form = payment.details, payment.details["form"]
    if payment.status == "incomplete":
        return payment.return_url
    if details.get("saves_card"):  # wapi/trusted-cards/create; only the test system names the total
        result = {
            "status": payment.status,
            "transaction_id": payment.reference,
            "uuid": details["uuid"],
            "total": major(payment.amount),
        }
        return extended(payment.return_url, result)
    date = datetime.fromisoformat(details["date"]).astimezone(ATLANTIC)
    query = {
        "card": details["card"],
        "currency": payment.currency,
        "customer_address": details.get("address"),
        "customer_email": form["email"],
        "customer_name": form["name"],
        "data": details["data"],
        "date": date.strftime("%Y-%m-%d %H:%M:%S"),
        "hash": None,
        "message": details["message"],
        "order_id": payment.external_id,
        "status": payment.status,
        "total": major(final_total(payment)),
        "transaction_id": payment.reference,
    }
    if payment.status == "success":
        api_key = settings().wipay_api_key.get_secret_value()
        query["hash"] = hash_of(payment.reference, form["total"], api_key)
    return extended(payment.return_url, query)


def hash_of(transaction_id: str, total: str, api_key: str) -> str:
    """Lower-case hex of an MD5; ``total`` as it was sent, not as it was debited."""
    text = f"{transaction_id}{total}{api_key}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def extended(url: str, query: Mapping[str, str | None]) -> str:
    """``url`` with what is not None appended to its query."""
    separator = "&" if urlsplit(url).query else "?"
    return url + separator + urlencode({name: text for name, text in query.items() if text})


# --- Webhooks: webhooks/payments-api -----------------------------------------------------------


def notify(payment: Payment, event: str, meta: Mapping[str, str] | None = None) -> list[Delivery]:
    """Store a webhook about a transaction as it is now; none where no endpoint is registered."""
    secret = settings().wipay_webhook_secret.get_secret_value().split(",")[0].strip()
    if not secret or payment.details.get("saves_card"):
        return []
    key = str(uuid.uuid4())
    envelope = _event(payment, event, key) | {"meta": meta or {}}
    envelope = faults.spoil_amounts(payment.delivery_fault, envelope, AMOUNTS)
    text = json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))
    body = text.encode("utf-8", "replace")
    timestamp = str(int(time.time()))
    signature = sign(body, timestamp, secret, settings().sandbox_wipay_signs)
    if payment.delivery_fault == "tamper":
        body = body.replace(b'"total":"', b'"total":"1', 1)
    return deliveries.enqueue(
        payment,
        event,
        url=settings().wipay_webhook_url,
        headers={
            "Content-Type": "application/json",
            "Accept": "application/json",
            "X-WiPay-Webhook-Event": event,
            "X-WiPay-Webhook-Id": key,
            "X-WiPay-Webhook-Signature": signature,
            "X-WiPay-Webhook-Timestamp": timestamp,
            "X-WiPay-Webhook-Version": "v1",
        },
        body=body,
        retry_after=RETRY_AFTER,
        last_word=event != "payment.created",
        goes_back=event in GOES_BACK,
    )


def sign(body: bytes, timestamp: str, secret: str, signs: str) -> str:
    """``sha256=`` and the hex of HMAC-SHA256 over the raw body, or time stamp, dot and body."""
    signed = body if signs == "body" else timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _event(payment: Payment, event: str, key: str) -> dict[str, Any]:
    data = shown(payment)
    match payment.delivery_fault:
        case "wrong_environment":
            data["transaction_id"] = payment.reference.removeprefix("SB-")
        case "wrong_amount":
            data["total"] = "0.01"
        case "wrong_currency":
            data["currency"] = "USD" if payment.currency != "USD" else "TTD"
        case "replay_other_order":
            data["order_id"] = _other_order_id(payment)
    return {
        "id": key,
        "api_family": "payments_api",
        "event": event,
        "occurred_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": data,
        "meta": {},
    }


def _other_order_id(payment: Payment) -> str | None:
    """Of the newest other payment that is still open; failing that, of any other."""
    open_first = (Payment.status == "incomplete").desc()
    other = db.session.scalar(
        select(Payment)
        .where(Payment.provider == NAME, Payment.id != payment.id)
        .order_by(open_first, Payment.id.desc())
        .limit(1)
    )
    return (other or payment).external_id
