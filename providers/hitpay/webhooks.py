"""What HitPay says of a payment: two kinds of webhook, and the payment request as ``GET`` shows it.

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07): docs/webhooks (version 1, a form),
apis/guide/events (version 2, JSON), openapi.json. Retries of a fact have one key, another fact has
another: the SHA-256 of what stands in the table.

============================  ==================================  ==============================
what comes                    what it says of the payment         its key is made of
============================  ==================================  ==============================
form                          one charge, or that one failed      request, charge, status, sum
``payment_request.*``         running totals of all charges       request, status, sum; of each
                                                                  charge id, status, sums
``charge.*`` that took money  at least this came, and at least    request, status; of the charge
                              this was refunded; asks for totals  id, status, sums
refunded, without a request   the same, found by the charge's id  the same, without the request
with a sum that is null       nothing; asks for it                all bytes
anything else                 nothing                             all bytes
============================  ==================================  ==============================

A sum is an amount with its currency; of a charge also what was refunded.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from ..contract import LADDER, BadSignature, Malformed, News, printable
from ..http import parse_json
from ..money import NotMoney, read
from .api import SAFE_ID, usable_id

#: openapi.json, ``status`` of a payment request -> ours. Unknown words change nothing.
STATUSES = {
    "pending": "pending",
    "completed": "succeeded",
    "failed": "failed",
    "expired": "expired",
    "canceled": "canceled",  # by hand, or by HitPay
    "inactive": "canceled",  # switched off by the merchant
}
#: What webhooks say. ``failed`` may be one declined card while the page takes the next; whether the
#: request is over is not documented, so only ``GET`` can say that (docs/webhooks, guide/events).
NEWS = STATUSES | {"failed": "pending"}
#: ``status`` of a charge (an entry in ``payments``) that took money -> ours. It may be ahead of the
#: request's own, which was seen to say ``pending`` for a while (hit-pay/mpp-samples, 06-bridge-in).
PAID = {
    "succeeded": "succeeded",
    "succeeded_manually": "succeeded",
    "partially_refunded": "partially_refunded",
    "refunded": "refunded",
    "void": "voided",
}

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
#: An amount is text; one documented example groups the thousands: "900,000.00".
GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", re.ASCII)

#: Version 1: the documented fields and what they look like. A field that HitPay adds is refused
#: until it is listed here, as it cannot be told from text cut out of another field. That loses no
#: money: every open payment is asked about, and HitPay's dashboard shows that a webhook failed.
FIELDS = {
    "amount": r"[0-9][0-9,]*(\.[0-9]+)?",
    "currency": r"[A-Za-z]{3}",
    "error_message": r".*",  # only with some failures (guide/in-person-payments)
    "payment_id": f"({UUID})?",  # the charge; empty when it failed
    "payment_request_id": UUID,
    "phone": r".{0,255}",
    "reference_number": r".{0,255}",
    "status": r"[a-z_]{1,40}",
}
REQUIRED = FIELDS.keys() - {"error_message"}
MAX_FIELDS = 50


class NotSaid(Malformed):
    """A sum that is needed is null, or no charge is named that took the money."""


def parse_form(body: bytes) -> dict[str, str]:
    """Version 1 (docs/webhooks): the fields, ``hmac`` among them.

    :raise BadSignature: no form, or a field is repeated, so that what was signed is not known.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise BadSignature("neither Hitpay-Signature nor a form") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise BadSignature("a field is repeated, so what was signed is not known")
    return fields


def signed_text(fields: Mapping[str, str]) -> str:
    """Sorted by name, name and value of each in one string, nothing between; empty ones stay."""
    return "".join(name + fields[name] for name in sorted(fields))


def read_form(fields: Mapping[str, str]) -> News:
    """Version 1, correctly signed, without ``hmac``.

    :raise Malformed: not what the documentation shows.
    """
    _refuse_other_readings(fields)
    reference, charge, word = (
        fields[name] for name in ("payment_request_id", "payment_id", "status")
    )
    amount, currency = _money(fields["amount"], fields)
    return News(
        provider_reference=reference,
        reference=fields["reference_number"] or None,
        status=NEWS.get(word),
        word=word,
        event_key=_key("form", reference, charge, word, amount, currency),
        amount=amount,
        currency=currency,
        failure_message=printable(fields["error_message"]) if "error_message" in fields else None,
        transaction_id=charge if charge and NEWS.get(word) == "succeeded" else None,
    )


def _refuse_other_readings(fields: Mapping[str, str]) -> None:
    """Nothing separates the fields in what is signed: the same text may be cut into other fields.

    It has one reading only if each name stands in it once, where its own field begins. Names that
    overlap count as well: "statustatus" holds two.
    """
    if not REQUIRED <= fields.keys() <= FIELDS.keys():
        raise Malformed("form: not the documented fields")
    signed = signed_text(fields)
    for name, looks in FIELDS.items():
        if name in fields and not re.fullmatch(looks, fields[name], re.ASCII | re.DOTALL):
            raise Malformed(f"form: no usable {name}")
        if len(re.findall(f"(?={name})", signed)) != (name in fields):
            raise Malformed(f"form: a value holds the name {name}")


def read_event(entity: str, body: bytes) -> News:
    """Version 2 (guide/events), correctly signed.

    ``entity`` comes from a header that is not signed. It may only make news be left alone, as
    charges and payment requests have different words for "paid".

    :raise Malformed: not what the documentation shows.
    """
    try:
        data = parse_json(body)
    except ValueError as error:
        raise Malformed(f"body: {error}") from error
    if not isinstance(data, dict):
        raise Malformed("no object")
    word = printable(data.get("status"), 40)
    if entity != "payment_request":
        word = f"{printable(entity, 50)}: {word}"
    # A payout or an invoice, and whatever is added later: kept, not acted on.
    other = News(
        provider_reference=printable(data.get("id", ""), 100),
        reference=None,
        status=None,
        word=word,
        event_key=_key(entity, body),
    )
    try:
        if entity == "payment_request":
            news = read_request(data, NEWS)
            return replace(news, event_key=_request_key(news, data))
        if entity == "charge" and str(data.get("status")) in PAID:
            return _read_charge(data, word) or other
    except NotSaid:
        return replace(other, provider_reference=_about(data), check=True)
    return other


def _read_charge(data: dict[str, Any], word: str) -> News | None:
    """One charge: at least that much came, and at least that was refunded.

    Other charges of its payment request are not told of, so ``GET`` is asked for the totals; for
    the same reason it never says "refunded". None: a charge that was kept, and names no request. It
    is the same money as in the request's own news, or not this shop's.
    """
    request = _request_of(data)
    charge = _charge(data, request)
    if request["id"] is None and not charge.refunded:
        return None
    reference = request.get("reference_number")
    return News(
        provider_reference=_about(data),
        reference=reference if isinstance(reference, str) else None,
        status="partially_refunded" if charge.refunded else "succeeded",
        word=word,
        event_key=_key("charge", _about(data), word, charge),
        amount=charge.amount,
        currency=charge.currency,
        refunded=charge.refunded,
        transaction_id=charge.id if charge.refunded < charge.amount else None,
        check=True,
    )


def _request_of(charge: dict[str, Any]) -> dict[str, Any]:
    """The payment request that a charge names, whole or by its id; ``id`` None: it names none."""
    request = charge.get("payment_request")
    if not isinstance(request, dict):
        request = {"id": charge.get("payment_request_id")}
    return {"id": None} | request


def _about(data: dict[str, Any]) -> str:
    """The id of the payment request; of a charge without one, its own."""
    request = _request_of(data)
    return usable_id(data if request["id"] is None else request, "id", Malformed)


@dataclass(frozen=True)
class Charge:
    """Money that one payment request took; of one page there may be two. Minor units."""

    id: str | None  # None: not one that can be used
    status: str  # ours
    currency: str  # may differ from the request's (guide/embedded-qr-code-payments/borderless-qr)
    amount: int
    refunded: int


def read_charges(data: dict[str, Any]) -> list[Charge]:
    """Those of a payment request's ``payments`` that took money.

    :raise NotSaid: a sum of one is null.
    :raise Malformed: they make no sense.
    """
    return [_charge(each, data) for each in _entries(data) if str(each.get("status")) in PAID]


def _charge(entry: dict[str, Any], request: dict[str, Any]) -> Charge:
    """What a charge leaves out is the request's: the amount only where their currencies agree.

    ``refunded_amount`` null is all of it under "refunded", and nothing while it is all kept.
    """
    status = PAID[str(entry.get("status"))]
    named = entry if entry.get("currency") is not None else request
    amount, currency = _money(entry.get("amount"), named)
    if amount is None:
        asked, asked_currency = _money(request.get("amount"), request)
        amount = asked if asked_currency == currency else None
    refunded, _ = _money(entry.get("refunded_amount"), named)
    if status == "voided" or (status == "refunded" and refunded is None):
        refunded = amount
    if amount is None or currency is None or (status.endswith("refunded") and not refunded):
        raise NotSaid("a charge without its sums")
    found = entry.get("id")
    usable = isinstance(found, str) and SAFE_ID.fullmatch(found)
    return Charge(found if usable else None, status, currency, amount, refunded or 0)


def read_request(data: dict[str, Any], statuses: Mapping[str, str]) -> News:
    """A payment request as version 2 webhooks and ``GET`` show it, with its ``payments``.

    :raise NotSaid: it was paid, and a sum is null.
    :raise Malformed: it makes no sense.
    """
    word = printable(data.get("status"), 40)
    status, refunded, charge_id = statuses.get(word), None, None
    amount, currency = _money(data.get("amount"), data)
    charges = read_charges(data)
    if charges:  # of two, one may have been refunded: the other still pays
        status = min((each.status for each in charges), key=LADDER.index)
        currencies = sorted({each.currency for each in charges})
        currency = "/".join(currencies)  # of several, a person decides
        alike = len(currencies) == 1
        amount = sum(each.amount for each in charges) if alike else None
        refunded = sum(each.refunded for each in charges) if alike else None
        charge_id = charges[0].id if len(charges) == 1 else None
    elif status == "succeeded" and (amount is None or _entries(data)):
        raise NotSaid("paid, but not by what")
    failed = [each for each in _entries(data) if each.get("status") == "failed"]
    code = failed[-1].get("status_reason_code") if failed else None
    message = failed[-1].get("status_reason") if failed else None
    reference = data.get("reference_number")
    return News(
        provider_reference=usable_id(data, "id", Malformed),
        reference=reference if isinstance(reference, str) else None,
        status=status,
        word=word,
        amount=amount,
        currency=currency,
        refunded=refunded,
        failure_code=printable(code, 60) if code is not None else None,
        failure_message=printable(message) if message is not None else None,
        transaction_id=charge_id,
    )


def _request_key(news: News, data: dict[str, Any]) -> str:
    tries = sorted(f"{each.get('id')} {each.get('status')}" for each in _entries(data))
    charges = sorted(read_charges(data), key=str)
    said = (news.provider_reference, news.word, news.amount, news.currency)
    return _key("payment_request", *said, *tries, *charges)


def _entries(data: dict[str, Any]) -> list[dict[str, Any]]:
    entries = data.get("payments") or []
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise Malformed("payments is no list of payments")
    return entries


def _money(amount: object, named: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """In the ``currency`` of ``named``: webhooks spell it in capitals, ``GET`` does not."""
    if isinstance(amount, str) and GROUPED.fullmatch(amount):
        amount = amount.replace(",", "")
    try:
        return read(amount, named.get("currency"))
    except NotMoney as error:
        raise Malformed(f"amount: {error}") from error


def _key(*facts: object) -> str:
    """Short enough for any id, and equal for the same facts in other bytes."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()
