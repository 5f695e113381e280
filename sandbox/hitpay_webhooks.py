"""HitPay's webhooks: docs/webhooks (version 1) and apis/guide/events (version 2)."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select

from . import deliveries, faults
from .hitpay_shapes import charge_shown, number, request_shown
from .models import Delivery, Payment, db
from .old import settings

AMOUNTS = ("amount", "refunded_amount")  # the fields of version 2 that hold one
RETRY_AFTER = (60, 300, 1800, 7200)  # seconds; an assumption


def tell_request(payment: Payment, word: str) -> list[Delivery]:
    """Store the webhooks that say ``completed`` or ``failed``: of each version that is switched on.

    Version 1 goes to the request's own ``webhook``, version 2 to the registered endpoint.
    """
    versions, sent = settings().sandbox_hitpay_webhooks, []
    if versions != "v2" and payment.details["webhook"]:
        sent += _enqueue(
            payment,
            f"v1 {word}",
            url=payment.details["webhook"],
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=_form(payment, word),
        )
    if versions != "v1":
        event = request_shown(payment) | _said(payment) | {"status": word}
        sent += _send_event(payment, "payment_request", word, event)
    return sent


def tell_refund(payment: Payment, charge: dict[str, Any]) -> None:
    """Store ``charge.updated``, which only version 2 has."""
    if settings().sandbox_hitpay_webhooks != "v1":
        _send_event(payment, "charge", "updated", charge_shown(payment, charge))


def sign(signed: bytes, salt: str) -> str:
    """Lower-case hex of HMAC-SHA256: over the raw body, or over what :func:`joined` makes."""
    return hmac.new(salt.encode(), signed, hashlib.sha256).hexdigest()


def joined(fields: Mapping[str, str]) -> bytes:
    """Name and value of every field, sorted by name, nothing between; empty ones stay."""
    return "".join(name + fields[name] for name in sorted(fields)).encode("utf-8", "replace")


def _form(payment: Payment, word: str) -> bytes:
    """Version 1: fields in the order of the sample, signed with the salt of the API key."""
    said = _said(payment)
    charge = payment.details["payments"][-1]
    if payment.fault == "other_currency" and word == "completed":
        said |= {"amount": charge["amount"], "currency": charge["currency"].upper()}
    fields = {
        "payment_id": charge["id"] if word == "completed" else "",
        "payment_request_id": payment.reference,
        "reference_number": said["reference_number"] or "",
        "phone": payment.details["phone"] or "",
        "amount": said["amount"],
        "currency": said["currency"],
        "status": word,
    }
    if word == "failed":
        fields["error_message"] = "Card declined"
    if payment.delivery_fault == "null_amount":
        fields["amount"] = ""
    elif payment.delivery_fault == "no_amount":
        del fields["amount"]
    signature = sign(joined(fields), _first(settings().hitpay_salt.get_secret_value()))
    if payment.delivery_fault == "tamper":
        fields["amount"] = f"1{fields['amount']}"
    return urlencode(fields | {"hmac": signature}, errors="replace").encode()


def _send_event(payment: Payment, entity: str, word: str, event: dict[str, Any]) -> list[Delivery]:
    """Version 2: the entity as ``GET`` shows it, but a request with its currency in capitals."""
    event = faults.spoil_amounts(payment.delivery_fault, event, AMOUNTS)
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    body = text.encode("utf-8", "replace")  # JSON can name characters that UTF-8 cannot write
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "HitPay v2.0",
        "Hitpay-Event-Type": word,
        "Hitpay-Event-Object": entity,
        "Hitpay-Signature": sign(body, _first(settings().hitpay_webhook_salt.get_secret_value())),
    }
    if payment.delivery_fault == "tamper":
        body = re.sub(rb'"amount":"?', rb"\g<0>1", body, count=1)
    url = settings().hitpay_webhook_url
    return _enqueue(payment, f"{entity}.{word}", url=url, headers=headers, body=body)


def _enqueue(payment: Payment, event: str, **parts: Any) -> list[Delivery]:
    settled = payment.status != "pending"
    return deliveries.enqueue(
        payment,
        event,
        **parts,
        retry_after=RETRY_AFTER,
        last_word=settled,
        goes_back=event == "charge.updated",
    )


def _said(payment: Payment) -> dict[str, Any]:
    """What both versions say of the money and the order, true or as the fault has it."""
    said: dict[str, Any] = {
        "amount": number(payment.amount),
        "currency": payment.currency,
        "reference_number": payment.details["reference_number"],
    }
    match payment.delivery_fault:
        case "wrong_amount":
            said["amount"] = number(1)
        case "wrong_currency":
            said["currency"] = "USD" if payment.currency != "USD" else "SGD"
        case "replay_other_order":
            said["reference_number"] = _other_reference(payment)
    if payment.delivery_fault in ("wrong_amount", "wrong_currency"):
        wrong = {"amount": said["amount"], "currency": said["currency"].lower()}
        said["payments"] = [each | wrong for each in payment.details["payments"]]
    return said


def _other_reference(payment: Payment) -> str | None:
    """Of the newest other payment request that is still open; failing that, of any other."""
    open_first = (Payment.status == "pending").desc()
    other = db.session.scalar(
        select(Payment)
        .where(Payment.provider == payment.provider, Payment.id != payment.id)
        .order_by(open_first, Payment.id.desc())
        .limit(1)
    )
    return (other or payment).external_id


def _first(salts: str) -> str:
    return salts.split(",")[0].strip()
