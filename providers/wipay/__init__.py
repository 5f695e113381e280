"""WiPay (Caribbean): hosted card page, a return that proves success, webhooks, status.

Documentation (docs.wipayfinancial.com, read 2026-11): payments-api/payment-request (v1.0.11),
hosted-checkout-flows, webhooks/payments-api, wapi (v2.0.2). Here we send WiPay the request (json
mode; for the other see ``form.py``): the transaction's id was stored before the shopper left, and
WiPay keeps total and currency with it. So the return's ``hash`` (``returns.py``), a webhook, or
WAPI proves the whole payment by that id alone. Their ``total`` is what was debited in the end, fees
and conversion included, and is never compared with what was asked for. A webhook's ``event_key`` is
the event's ``id``: signed, and the same on its retries. ``event`` rules over ``data.status``.

=================================  ==============================================================
``payment.created``, ``.error``    made; no definitive outcome
``payment.success``, ``.failed``   the outcome; in form mode also how much was paid
refunds, chargebacks, fraud        see ``refunds.py``, ``disputes.py``
withdrawals, ``webhook.test`` …    kept, and change nothing
one without a transaction's id     400: it does not say whose money it is about
=================================  ==============================================================
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..contract import (
    Capabilities,
    Checkout,
    FormPost,
    Malformed,
    News,
    PaymentRequest,
    Redirect,
    Rejected,
    Unreachable,
    Urls,
)
from ..proof import by_answer, check_hmac
from ..text import printable
from . import api
from .api import Account as Account
from .avs import avs_fields
from .cards import charge_path
from .cards import delete_card as delete_card
from .cards import fetch_card as fetch_card
from .cards import read_card_return as read_card_return
from .cards import save_card as save_card
from .cards import verify_card as verify_card
from .disputes import DISPUTES, read_state
from .form import add_what_was_paid, leaves_by_form
from .refunds import REFUND_EVENTS, read_refusal
from .refunds import refund as refund
from .returns import read_return as read_return

#: webhooks/payments-api: event -> our status; None is kept and shown, and changes nothing.
EVENTS = {
    "payment.created": "created",
    "payment.success": "succeeded",
    "payment.failed": "failed",
    "payment.error": "pending",  # "no definitive outcome": a late success is possible
    **REFUND_EVENTS,
    **dict.fromkeys(DISPUTES),  # chargebacks and fraud
}
#: wapi/transactions/retrieve: their status -> ours. Unknown words change nothing.
STATUSES = {"success": "succeeded", "failed": "failed", "incomplete": "pending", "error": "pending"}
#: hosted-checkout-flows: how long a page lives, and for how long its outcome may still change.
PAGE_MINUTES, AVS_PAGE_MINUTES = 3, 5
SILENT_MINUTES = 240
ORIGIN, VERSION = "kiln-and-kettle", "1.0.0"  # who calls, for WiPay's support


def capabilities(account: Account) -> Capabilities:
    return Capabilities(
        name="wipay",
        label="WiPay",
        takes="Cards",
        note=f"Visa and Mastercard, from the Caribbean{api.FEES[account.fee_structure]}",
        currencies=account.currencies,
        page_origins=account.origins,
        failed="The card was declined.",
        refunds="full" if account.wapi_key else "",
        saves_cards=bool(account.wapi_key),
        longest_email=api.LONGEST_EMAIL if account.sends_email else None,
        page_minutes=AVS_PAGE_MINUTES if account.avs else PAGE_MINUTES,
        silent_minutes=SILENT_MINUTES,
    )


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /plugins/payments/request``, or ``POST /wapi/trusted-cards/{uuid}/charge``."""
    path = charge_path(payment.method) if payment.method else "/plugins/payments/request"
    form = [
        ("country_code", account.country_code),
        ("currency", payment.currency),
        ("environment", account.environment),
        ("fee_structure", account.fee_structure),
        ("order_id", payment.reference),  # hex digits: within WiPay's pattern and length
        ("origin", ORIGIN),
        ("response_url", urls.return_url),
        ("total", api.total_of(payment)),
    ]
    if not payment.method:
        email = payment.customer.email if account.sends_email else ""
        if len(email) > api.LONGEST_EMAIL:
            raise Rejected("email is longer than 50 characters", api.LONG_EMAIL)
        form += [
            ("account_number", account.account_number),
            ("method", "credit_card_co"),
            *([("email", email)] if email else ()),
            *([("card_type", account.card_type)] if account.card_type else ()),
            ("name", payment.customer.name[:60]),
            ("version", VERSION),
            *(avs_fields(payment.address) if account.avs else ()),
        ]
    if leaves_by_form(account, payment):  # there is no transaction yet
        return Checkout(None, FormPost(account.base_url + path, tuple(form)))
    transaction_id, url = api.open_page(account, path, form)
    return Checkout(transaction_id, Redirect(url))


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[News]:
    """Check ``X-WiPay-Webhook-Signature``, then read the envelope."""
    name, secrets = "X-WiPay-Webhook-Signature", account.webhook_secrets
    signed, over = api.signed_part(account, headers, body)
    proof = check_hmac(name, headers.get(name.lower(), ""), signed, secrets, "sha256=", over=over)
    api.check_age(account, headers)
    event = api.read_event(headers, body)
    name, key, data = event["event"], event["id"], event["data"]
    if name not in EVENTS:  # withdrawals, webhook.test, and whatever is added later
        reference = printable(data.get("transaction_id") or "", 100)
        return [News(reference, None, None, printable(name, 100), key, proof=proof)]
    news = _news(account, data, EVENTS[name], name, key)
    api.check_environment(account, news.provider_reference)
    if name == "payment.refund_rejected":
        news = replace(news, refund_refused=read_refusal(event.get("meta")))
    return [replace(news, dispute=DISPUTES.get(name), proof=proof)]


def fetch_payment(account: Account, payment: PaymentRequest) -> list[News]:
    """``GET /wapi/transactions/{transaction_id}``, for accounts that have a WAPI key."""
    if not account.wapi_key or payment.provider_reference is None:
        return []
    path = f"/wapi/transactions/{payment.provider_reference}"
    data = api.call_api(account, "GET", path).get("data")
    if not isinstance(data, dict) or data.get("transaction_id") != payment.provider_reference:
        raise Unreachable("GET transaction: the answer is about another payment")
    word = printable(data.get("status"), 40)
    status, dispute = read_state(data, STATUSES.get(word))
    news = _news(account, data, status, f"GET: {word}", None)
    return [replace(news, dispute=dispute, proof=by_answer(path))]


def _news(
    account: Account, data: dict[str, Any], status: str | None, word: str, key: str | None
) -> News:
    """A transaction as webhooks and WAPI show it."""
    code, message = api.read_failure(data) if status == "failed" else (None, None)
    news = News(
        provider_reference=api.usable_id(data, Malformed),
        reference=None,  # anyone can open a transaction that names our order: see ``form.py``
        status=status,
        word=word,
        event_key=key,
        failure_code=code,
        failure_message=message,
    )
    return add_what_was_paid(account, news, data)
