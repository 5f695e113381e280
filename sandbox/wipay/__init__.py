"""WiPay's transactions (Caribbean): request and return, as its documentation shows them.

Documentation (docs.wipayfinancial.com, read 2026-11): Payments API v1.0.11, webhooks,
hosted-checkout-flows; fees and ``hash`` also in the PDF "Payments API Documentation" v1.0.8. Beside
this: ``rules.py`` (what a request must be), ``fees.py``, ``webhooks.py``, ``refunds.py``, the pages
``page.py`` and ``merchant.py``, and WAPI in ``wapi.py`` and ``cards.py`` (Trusted Cards). What the
documentation leaves open is in ``settings.py``.
"""

import base64
import hashlib
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from flask import redirect, request

from .. import clock, kit
from ..models import Delivery, Payment, db
from . import rules
from .gateways import gateway_of
from .settings import ASSUMPTIONS, WiPaySettings
from .webhooks import facts, notify

MERCHANT_ID = 1  # in transaction ids, as in the documented examples
ATLANTIC = timezone(timedelta(hours=-4))  # of transaction ids and of ``date`` in the return
LIFETIME, AVS_LIFETIME = 180, 300  # seconds; hosted-checkout-flows
COMPLETION = 30  # seconds from the end of a session to "timed out"; hosted-checkout-flows
#: Fields of the billing address, in the order in which they come back.
ADDRESS = ("addr1", "addr2", "city", "state", "zipcode", "country")
RECOVERY = 30 * 60  # seconds until WiPay learns what it did not learn at once

provider = kit.Provider(
    "wipay",
    "WiPay",
    settings=WiPaySettings,
    assumptions=ASSUMPTIONS,
    open_in=("incomplete",),
    dashboard="wipay_merchant.show_dashboard",
    pays_late_after=RECOVERY,
)

api = provider.blueprint("api", "/plugins/payments")


@api.errorhandler(kit.Refused)
def answer_error(error: kit.Refused) -> Any:
    """JSON mode tells the caller; redirect mode sends the browser to the shop with the error."""
    form = _form_or_nothing()
    response_url = form.get("response_url", "")
    if not rules.is_response_url(response_url):
        return provider.answer_refused(error)
    db.session.rollback()
    query = {
        "status": "error",
        "message": error.message,
        "order_id": form.get("order_id", ""),
        "date": datetime.now(ATLANTIC).strftime("%Y-%m-%d %H:%M:%S"),
    }
    url = kit.extended(response_url, query)
    if _wants_json():
        return {"url": url, "message": error.message}, error.status
    return redirect(url, 303)


def _form_or_nothing() -> dict[str, str]:
    try:
        return rules.sent()
    except kit.Refused:
        return {}


# --- The API: payments-api/payment-request ------------------------------------------------------


@api.post("/request")
def create_payment() -> Any:
    """Make a transaction with a hosted page; each call makes another one.

    ``Accept: application/json`` answers with JSON, anything else with a redirect.
    """

    def make() -> Payment:
        form = rules.sent()
        rules.keep_to(rules.of_payment(form), form)
        return new(form)

    return answer_create(make, as_json=_wants_json())


def answer_create(make: Callable[[], Payment], as_json: bool = True) -> Any:
    """Make a transaction, and say where its page is."""

    def reply(payment: Payment, page: str) -> Any:
        if as_json:
            return {"url": page, "message": "OK", "transaction_id": payment.reference}
        return redirect(page, 303)

    return provider.create(make, page_of, reply)


def _wants_json() -> bool:
    return "application/json" in request.headers.get("Accept", "")


# --- A transaction: made, found, finished ------------------------------------------------------


def new(
    form: Mapping[str, str],
    saved_card: tuple[str, str] | None = None,
    saves_card: bool = False,
) -> Payment:
    """A transaction whose page waits for a card, for a card to keep (``saves_card``), or for a nod
    to a ``saved_card`` (its network and last four digits).
    """
    network, last_four = saved_card or (None, None)
    home = provider.settings.wipay_country_code
    checks_address = form.get("avs") in ("1", "true")
    payment = provider.new(
        reference=_new_transaction_id(form["order_id"]),
        external_id=form["order_id"],
        amount=kit.minor(form["total"]),
        currency=form["currency"],
        return_url=form["response_url"],
        lifetime=AVS_LIFETIME if checks_address else LIFETIME,
        details={
            "form": {
                name: form.get(name)
                for name in ("origin", "total", "fee_structure", "email", "phone")
            }
            | {"name": name_of(form), "country_code": form.get("country_code", home)},
            "data": form.get("data"),
            "avs": checks_address,
            "address": address_of(form) if "addr1" in form else None,
            "prefilled": {name: form[name] for name in (*ADDRESS, "phone") if name in form},
            "card_type": form.get("card_type"),
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
        },
    )
    notify(payment, "payment.created")
    return payment


def _new_transaction_id(order_id: str) -> str:
    """Dash-joined: SB, 1 to 99, the merchant, the order, the time in UTC-4 (an inference)."""
    moment = datetime.now(ATLANTIC).strftime("%Y%m%d%H%M%S")
    while True:
        number = random.randint(1, 99)  # noqa: S311  # no secret
        made = f"SB-{number}-{MERCHANT_ID}-{order_id}-{moment}"
        if provider.find(made) is None:
            return made


def name_of(form: Mapping[str, str]) -> str | None:
    """``fname lname``, else ``name``."""
    full = " ".join(form[part] for part in ("fname", "lname") if form.get(part))
    return full or form.get("name")


def address_of(form: Mapping[str, str]) -> str:
    """As it comes back: ``addr1, addr2, city, state zipcode, country``."""
    parts = {name: form.get(name, "").strip() for name in ADDRESS}
    last = f"{parts['state']} {parts['zipcode']}".strip()
    lines = (parts["addr1"], parts["addr2"], parts["city"], last, parts["country"])
    return ", ".join(each for each in lines if each)


def masked(last_four: str) -> str:
    return f"XXXXXXXXXXXX{last_four}"


def page_of(payment: Payment) -> str:
    data = base64.urlsafe_b64encode(payment.reference.encode()).decode()
    return f"{provider.settings.sandbox_url}/wipay/checkout/payment?_data={data}"


def finish(payment: Payment, status: str, message: str) -> list[Delivery]:
    """End the transaction and tell the shop. The caller commits."""
    payment.status, payment.timer = status, None
    payment.details |= {
        "step": "done",
        "message": message,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return notify(payment, f"payment.{status}")


@provider.pays
def succeed(payment: Payment) -> list[Delivery]:
    """The money is taken; with the fault "pay twice", that is reported twice."""
    sent = finish(payment, "success", f"[{gateway_of(payment).approved}]: Transaction is approved.")
    return sent + notify(payment, "payment.success") if payment.fault == "pay_twice" else sent


@provider.counts_taken
def taken(payment: Payment) -> int:
    """What a card was debited to check it is only held, and no payment."""
    is_paid = payment.status == "success" and not payment.details["saves_card"]
    return payment.amount if is_paid else 0


@provider.expires
def expire(payment: Payment) -> None:
    """The session ends; what became of the transaction is decided a while later."""
    payment.details["step"] = "expired"
    payment.timer = clock.now() + COMPLETION


# --- The return: payments-api/transaction-response ---------------------------------------------


def returning(payment: Payment) -> str:
    """``response_url`` with the result in its query; without one while there is none."""
    details = payment.details
    if payment.status == "incomplete":
        return payment.return_url
    if details["saves_card"]:  # wapi/trusted-cards/create; only the test system names the total
        result = {
            "status": payment.status,
            "transaction_id": payment.reference,
            "uuid": details["uuid"],
            "total": kit.major(payment.amount),
        }
        return kit.extended(payment.return_url, result)
    date = datetime.fromisoformat(details["date"]).astimezone(ATLANTIC)
    query = facts(payment) | {"date": date.strftime("%Y-%m-%d %H:%M:%S")}
    if payment.status == "success":
        api_key = provider.settings.wipay_api_key.get_secret_value()
        query["hash"] = hash_of(payment.reference, details["form"]["total"], api_key)
    return kit.extended(payment.return_url, dict(sorted(query.items())))


def hash_of(transaction_id: str, total: str, api_key: str) -> str:
    """Lower-case hex of an MD5; ``total`` as it was sent, not as it was debited."""
    text = f"{transaction_id}{total}{api_key}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
