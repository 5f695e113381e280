"""WiPay (Caribbean): hosted card page, a return that proves success, webhooks, status, refunds.

Documentation (docs.wipayfinancial.com, read 2026-11): payments-api/payment-request (v1.0.11),
payments-api/transaction-response (v1.0.9), hosted-checkout-flows, webhooks/payments-api, wapi
(v2.0.2); and the PDF "Payments API Documentation" v1.0.8 (2024-12-23) for the return's ``hash``.
Hosts, account and calls: ``api.py``. Saved cards: ``cards.py``.

How money is proven depends on who sent WiPay the request (``Account.mode``).

**json**: we did. The transaction's id was stored before the shopper left, and WiPay keeps the total
and the currency that were asked for with it. So the return's ``hash``, a webhook, or the answer to
``GET /wapi/transactions`` proves the whole payment by that id alone. Their ``total`` is what was
debited in the end, fees and conversion included, and is never compared with what was asked for.

**form**: the shopper's browser did, and whoever holds a form can change it. So news is believed
only for what it names itself: total and currency of the transaction, compared with ours. That needs
a total without fees: ``fee_structure`` must be ``merchant_absorb``. The return's hash covers id and
total, but not the currency (49.99 TTD make the same hash as 49.99 USD): it proves which transaction
is ours, and a webhook or WAPI must say what was paid. The same form can also be sent twice, and
each time makes another transaction: only one that took money is ours.

What a webhook may say, and what makes it the same news (``event_key``): always the event's ``id``,
which stands in the signed body, is unique for an event and the same on its retries. A return has
the key ``return:<transaction>:<status>``, since it can be opened again. Where ``event`` and
``data.status`` differ, ``event`` rules (webhooks/payments-api).

=================================  ==============================================================
``payment.created``, ``.error``    made; no definitive outcome
``payment.success``, ``.failed``   the outcome; in form mode also how much was paid
``payment.refunded``               all of it: there are no partial refunds
``payment.refund_requested``       kept, and changes nothing
``payment.refund_rejected``        a refund of ours is refused
``payment.chargeback_…``           a dispute: pending, processed (lost) or released (won)
``payment.fraud_confirmed``        a dispute that is to come: the money will be taken back
withdrawals, ``webhook.test`` …    kept, and change nothing
form mode, not saying how much     kept, and WAPI is asked; without WAPI, a person is told
one without a transaction's id     400: whose money it is about, nothing says
=================================  ==============================================================
"""

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from ..contract import (
    Address,
    BadSignature,
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
    WrongEnvironment,
    printable,
)
from ..http import parse_json
from ..money import NotMoney, read, to_major
from ..optional import Hint, Refunded, RefundRequest
from ..proof import check_hmac, is_one_of
from .api import SAFE_ID, call_api, environment_of, open_page
from .api import Account as Account
from .cards import card_path
from .cards import delete_card as delete_card
from .cards import fetch_card as fetch_card
from .cards import read_card_return as read_card_return
from .cards import save_card as save_card
from .cards import verify_card as verify_card

#: webhooks/payments-api: event -> our status; None is kept and shown, and changes nothing.
EVENTS = {
    "payment.created": "created",
    "payment.success": "succeeded",
    "payment.failed": "failed",
    "payment.error": "pending",  # "no definitive outcome": a late success is possible
    "payment.refund_requested": None,
    "payment.refunded": "refunded",  # there are no partial refunds
    "payment.refund_rejected": None,
    "payment.chargeback_pending": None,  # this and those below: see DISPUTES
    "payment.chargeback_processed": None,
    "payment.chargeback_released": None,
    "payment.fraud_confirmed": None,
}
#: The same page: event -> what a payer's bank has done. Of fraud no page says what follows; the
#: money is expected to be taken back, so nothing may leave for it before a person has looked.
DISPUTES: dict[str, Literal["opened", "lost", "won"]] = {
    "payment.chargeback_pending": "opened",
    "payment.chargeback_processed": "lost",
    "payment.chargeback_released": "won",
    "payment.fraud_confirmed": "opened",
}
#: wapi/transactions/retrieve: their status -> ours. Unknown words change nothing.
STATUSES = {
    "success": "succeeded",
    "failed": "failed",
    "incomplete": "pending",
    "error": "pending",
}
#: The same page shows a success whose money went back with another ``status_desc`` than "Normal".
#: Its words are not listed; these are the events', in small letters.
STATES: dict[str, Literal["opened", "lost", "won"]] = {
    "chargeback pending": "opened",
    "chargeback processed": "lost",
    "chargeback released": "won",
}
REFUNDED = "refunded"

#: hosted-checkout-flows: how long a page lives, and for how long its outcome may still change.
PAGE_MINUTES, AVS_PAGE_MINUTES = 3, 5
SILENT_MINUTES = 240
TOLERANCE = 300  # seconds between X-WiPay-Webhook-Timestamp and our clock

#: ``fee_structure``: what of WiPay's fee the shopper sees on its page.
FEES = {
    "merchant_absorb": "",
    "customer_pay": ". WiPay adds its fee to the total",
    "split": ". WiPay adds half of its fee to the total",
}
LONGEST_EMAIL = 50  # payments-api/payment-request
LONG_EMAIL = "WiPay takes e-mail addresses of up to 50 characters. Please pay another way."

ORIGIN, VERSION = "kiln-and-kettle", "1.0.0"  # who calls, for WiPay's support

EVENT_ID = re.compile(r"[!-~]{1,100}", re.ASCII)
UNIX_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
#: payments-api/payment-request: field -> its longest text. What does not fit is left out: WiPay's
#: page asks the shopper for it, while a field that breaks a rule would cost the whole request.
ADDRESS_LIMITS = {"addr1": 50, "addr2": 50, "city": 30, "zipcode": 10}

#: "[2-R2]: Transaction is declined.", also with letters and leading zeros.
REASON = re.compile(r"\[(\w{1,10}-\w{1,10})\]", re.ASCII)


def capabilities(account: Account) -> Capabilities:
    has_wapi = bool(account.wapi_key)
    return Capabilities(
        name="wipay",
        label="WiPay",
        takes="Cards",
        note=f"Visa and Mastercard, from the Caribbean{FEES[account.fee_structure]}",
        currencies=account.currencies,
        page_origins=account.origins,
        failed="The card was declined.",
        refunds="full" if has_wapi else "",
        saves_cards=has_wapi,
        longest_email=LONGEST_EMAIL,
        page_minutes=AVS_PAGE_MINUTES if account.avs else PAGE_MINUTES,
        silent_minutes=SILENT_MINUTES,
    )


def start_checkout(account: Account, payment: PaymentRequest, urls: Urls) -> Checkout:
    """``POST /plugins/payments/request``, or ``POST /wapi/trusted-cards/{uuid}/charge``.

    payments-api/payment-request: with ``Accept: application/json`` WiPay answers with the page; to
    a browser that posts the same fields it answers with a redirect there, and to a request that it
    does not take with one to ``response_url`` and ``status=error``. In form mode nobody is called
    here, so there is no transaction yet. ``avs`` is documented for v1.0.9 only.

    wapi/trusted-cards: a saved card is charged on a page of its own, and always by our own call.

    :raise ProviderError: see ``open_page``.
    """
    form = [
        ("country_code", account.country_code),
        ("currency", payment.currency),
        ("environment", account.environment),
        ("fee_structure", account.fee_structure),
        ("order_id", payment.reference),  # hex digits: within WiPay's pattern and length
        ("origin", ORIGIN),
        ("response_url", urls.return_url),
        ("total", _total(payment)),
    ]
    if payment.method:
        path = f"{card_path(payment.method.removeprefix('card:'))}/charge"
    else:
        path = "/plugins/payments/request"
        if len(payment.customer.email) > LONGEST_EMAIL:
            raise Rejected("email is longer than 50 characters", LONG_EMAIL)
        form += [
            ("account_number", account.account_number),
            ("method", "credit_card_co"),
            ("email", payment.customer.email),
            ("name", payment.customer.name[:60]),
            ("version", VERSION),
        ]
        if account.avs:
            form += [("avs", "1"), *_address(payment.address)]
    if _leaves_by_form(account, payment):
        return Checkout(None, FormPost(account.base_url + path, tuple(form)))
    transaction_id, url = open_page(account, path, form)
    return Checkout(transaction_id, Redirect(url))


def read_webhook(account: Account, headers: Mapping[str, str], body: bytes) -> list[News]:
    """Check ``X-WiPay-Webhook-Signature``, then read the envelope.

    Where the time stamp is signed with the body, a delivery older than five minutes is refused.
    Where the body is signed alone, the time stamp proves nothing: it is kept with the delivery, and
    not judged, since a retry may carry that of the first. In both ways, what keeps a replay from
    counting twice is the event's id inside the body.

    :raise BadSignature: no secret, header missing or different, or too old.
    :raise WrongEnvironment: the transaction is not of this account's environment.
    :raise Malformed: signed, but not the documented envelope.
    """
    timestamp, is_signed = headers.get("x-wipay-webhook-timestamp", ""), account.signs != "body"
    if is_signed and not UNIX_SECONDS.fullmatch(timestamp):
        raise BadSignature("time stamp is missing or no number")
    signed = timestamp.encode() + b"." + body if is_signed else body
    signature = headers.get("x-wipay-webhook-signature", "")
    check_hmac("signature", signature, signed, account.webhook_secrets, prefix="sha256=")
    if is_signed and abs(age := int(time.time()) - int(timestamp)) > TOLERANCE:
        raise BadSignature(f"signed {age} seconds ago")
    try:
        event = parse_json(body)
    except ValueError as error:
        raise Malformed(f"body: {error}") from error
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        raise Malformed("no event with data")
    name, key, data = event.get("event"), event.get("id"), event["data"]
    if not isinstance(name, str) or not isinstance(key, str) or not EVENT_ID.fullmatch(key):
        raise Malformed("no event or id")
    if headers.get("x-wipay-webhook-id", key) != key:
        raise Malformed("the header and the body have different ids")
    if name not in EVENTS:
        # Withdrawals, webhook.test, and whatever is added later: kept, not acted on.
        reference = printable(data.get("transaction_id") or "", 100)
        return [News(reference, None, None, word=printable(name, 100), event_key=key)]
    news = _update(account, data, EVENTS[name], name, key)
    if environment_of(news.provider_reference) != account.environment:
        raise WrongEnvironment(f"{news.provider_reference} is not {account.environment!r}")
    if name == "payment.refund_rejected":
        news = replace(news, refund_refused=_reason(event.get("meta")))
    return [replace(news, dispute=DISPUTES.get(name))]


def read_return(account: Account, payment: PaymentRequest, args: Mapping[str, str]) -> News | Hint:
    """A true ``hash`` proves success; whatever else comes back proves nothing, failure included.

    ``hash`` is the MD5 of transaction id, the total *that was asked for* and the API key, so it
    would also fit another payment of the same price: ours must be the id that it names. Where the
    browser sent the request, we learn the id only now, and the ``order_id`` inside must be ours.
    Such a success is "pending" until WiPay says in which currency: see the head of this module.
    """
    status, transaction_id = args.get("status", ""), args.get("transaction_id", "")
    by_form = _leaves_by_form(account, payment)
    if payment.provider_reference:
        is_ours = transaction_id == payment.provider_reference
    else:
        is_ours = by_form and _is_about(account, payment, transaction_id)
    word = printable(f"return: {status}", 40)
    if (
        not is_ours
        or not account.api_key  # or anybody could make the hash
        or status != "success"
        or not is_one_of(args.get("hash", ""), [_hash(account, payment, transaction_id)])
    ):
        return Hint(word, "failed" if status in ("failed", "error") else None)
    debited = printable(f"{args.get('total', '?')} {args.get('currency', '?')}", 40)
    return News(
        provider_reference=transaction_id,
        reference=payment.reference if by_form else None,
        status="pending" if by_form else "succeeded",
        word=f"{word}, {debited} with fees",
        amount=None if by_form else payment.amount,
        currency=None if by_form else payment.currency,
    )


def fetch_payment(account: Account, payment: PaymentRequest) -> list[News]:
    """``GET /wapi/transactions/{transaction_id}``, for accounts that have a WAPI key.

    :raise ProviderError: no usable answer; nothing is known that was not known before.
    """
    if not account.wapi_key or payment.provider_reference is None:
        return []
    data = call_api(account, "GET", f"/wapi/transactions/{payment.provider_reference}").get("data")
    if not isinstance(data, dict) or data.get("transaction_id") != payment.provider_reference:
        raise Unreachable("GET transaction: the answer is about another payment")
    word, state = printable(data.get("status"), 40), str(data.get("status_desc")).casefold()
    status, dispute = STATUSES.get(word), None
    if status == "succeeded":
        status, dispute = "refunded" if state == REFUNDED else status, STATES.get(state)
    return [replace(_update(account, data, status, f"GET: {word}", None), dispute=dispute)]


def refund(account: Account, payment: PaymentRequest, refund: RefundRequest) -> Refunded:
    """``POST /wapi/transactions/{transaction_id}/refund``: a request, on which WiPay decides later.

    Whole transactions only: there is no amount in it. One request at a time is open, so repeating
    the call makes no second. A webhook says how it ends.

    :raise Rejected: a part, or WiPay's reason: not paid, too little on the account.
    :raise Unreachable: not known: call again.
    """
    if refund.amount != payment.amount or payment.provider_reference is None:
        raise Rejected("WiPay gives back whole payments only")
    try:
        call_api(account, "POST", f"/wapi/transactions/{payment.provider_reference}/refund")
    except Rejected as error:
        if "already been refunded" in str(error):
            return Refunded(None, done=True)
        if "existing refund request" not in str(error):
            raise
    return Refunded(None, done=False)


def _address(address: Address | None) -> list[tuple[str, str]]:
    """The order's address, as far as it keeps to WiPay's rules, to fill in the AVS form with.

    ``state`` is a code of two letters, and known to be taken for the United States only.
    """
    if address is None:
        return []
    fields = {
        "addr1": address.line1,
        "addr2": address.line2,
        "city": address.city,
        "zipcode": re.sub(r"[ -]", "", address.postal_code),  # letters and digits only
    }
    found = {name: text for name, text in fields.items() if 0 < len(text) <= ADDRESS_LIMITS[name]}
    if "addr1" not in found:
        found.pop("addr2", None)  # WiPay wants it with the first only
    if not re.fullmatch(r"[A-Za-z0-9]+", found.get("zipcode", "0")):
        del found["zipcode"]
    if address.country == "US" and re.fullmatch(r"[A-Za-z]{2}", address.region):
        found["state"] = address.region.upper()
    return [*found.items(), ("country", address.country)]


def _leaves_by_form(account: Account, payment: PaymentRequest) -> bool:
    return account.mode == "form" and not payment.method


def _total(payment: PaymentRequest) -> str:
    """What is sent and what is hashed must be one text: "10" and "10.0" have other digests."""
    return f"{to_major(payment.amount, payment.currency):.2f}"


def _hash(account: Account, payment: PaymentRequest, transaction_id: str) -> str:
    """MD5 is WiPay's choice; the key at its end is what nobody else knows."""
    text = f"{transaction_id}{_total(payment)}{account.api_key}"
    return hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _is_about(account: Account, payment: PaymentRequest, transaction_id: str) -> bool:
    """Test system, 1 to 99, WiPay's number of the merchant, our order, local time."""
    system = "SB-" if account.environment == "sandbox" else ""
    order_id = re.escape(payment.reference)
    documented = rf"{system}[1-9][0-9]?-[0-9]{{1,20}}-{order_id}-[0-9]{{14}}"
    return re.fullmatch(documented, transaction_id, re.ASCII) is not None


def _update(
    account: Account, data: dict[str, Any], status: str | None, word: str, key: str | None
) -> News:
    """A transaction as webhooks and WAPI show it.

    Its ``order_id`` is not believed in json mode, where we know the id: anybody may open a
    transaction at WiPay that names our account, our order and one cent, and pay it. News of that is
    truly signed, and about the wrong money (CVE-2026-9189 was such a shop). In form mode it must be
    believed, since nothing else is ours; so it comes with the amount, and only when money moved.
    """
    transaction_id, message = data.get("transaction_id"), data.get("message")
    if not isinstance(transaction_id, str) or not SAFE_ID.fullmatch(transaction_id):
        raise Malformed("no usable transaction_id")
    said = message if status == "failed" and isinstance(message, str) else ""
    reason = REASON.search(said)
    news = News(
        provider_reference=transaction_id,
        reference=None,
        status=status,
        word=word,
        event_key=key,
        failure_code=reason[1] if reason else None,
        failure_message=printable(said) or None,
    )
    if account.mode != "form" or status not in ("succeeded", "refunded"):
        return news
    order_id, amount, currency = data.get("order_id"), None, None
    try:
        amount, currency = read(data.get("total"), data.get("currency"))
    except NotMoney as error:
        if key is not None:
            raise Malformed(f"total: {error}") from error
    reference = printable(order_id, 100) if isinstance(order_id, str) else None
    news = replace(news, reference=reference, amount=amount, currency=currency)
    if amount is not None:
        return news
    if key is not None and account.wapi_key:
        return replace(news, status=None, check=True)
    problem = f"WiPay says {word.removeprefix('GET: ')}, and not how much"
    return replace(news, status=None, problem=problem)


def _reason(meta: object) -> str:
    """Why a refund is refused (webhooks/payments-api, ``meta.reason``)."""
    reason = meta.get("reason") if isinstance(meta, dict) else None
    return printable(reason or "WiPay gave no reason.")
