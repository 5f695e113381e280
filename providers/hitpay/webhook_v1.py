"""HitPay's version 1 webhooks: a form, that goes to the address of the create call.

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07): docs/webhooks. The key of the news
(``event_key``) is made of request, charge, status and sum, so retries of a fact have one key. An
account may send both versions: they report the same news, and the second to arrive changes nothing.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from .. import hitpay
from ..contract import Malformed, News, Unproven
from ..proof import check_hmac
from ..text import optional_text
from .api import Account, digest, read_money

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
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


def read_form(account: Account, body: bytes) -> News:
    """Check ``hmac`` over the other fields, then read one charge, or that one failed.

    :raise Unproven: missing, not made with a salt of an API key, or a field is repeated.
    :raise Malformed: signed, but not what the documentation shows.
    """
    fields = _parse(body)
    given, signed = fields.pop("hmac", ""), _signed_text(fields).encode()
    proof = check_hmac("hmac", given, signed, account.salts, over="the sorted fields")
    _refuse_other_readings(fields)
    reference, charge, word = (
        fields[name] for name in ("payment_request_id", "payment_id", "status")
    )
    amount, currency = read_money(fields["amount"], fields)
    return News(
        provider_reference=reference,
        reference=fields["reference_number"] or None,
        status=hitpay.SAID.get(word),
        word=word,
        event_key=digest("form", reference, charge, word, amount, currency),
        amount=amount,
        currency=currency,
        failure_message=optional_text(fields.get("error_message")),
        transaction_id=charge if charge and hitpay.SAID.get(word) == "succeeded" else None,
        proof=proof,
    )


def _refuse_other_readings(fields: Mapping[str, str]) -> None:
    """Nothing separates the fields in what is signed: the same text may be cut into other fields.

    It has one reading only if each name stands in it once, where its own field begins. Names that
    overlap count as well: "statustatus" holds two.
    """
    if not REQUIRED <= fields.keys() <= FIELDS.keys():
        raise Malformed("form: not the documented fields")
    signed = _signed_text(fields)
    for name, looks in FIELDS.items():
        if name in fields and not re.fullmatch(looks, fields[name], re.ASCII | re.DOTALL):
            raise Malformed(f"form: no usable {name}")
        if len(re.findall(f"(?={name})", signed)) != (name in fields):
            raise Malformed(f"form: a value holds the name {name}")


def keep_body(account: Account, body: bytes) -> str:
    """Without the signature of version 1; that of version 2 travels in a header."""
    return re.sub(r"(^|&)hmac=[^&]*", r"\1hmac=…", body.decode())


def _parse(body: bytes) -> dict[str, str]:
    """Version 1 (docs/webhooks): the fields, ``hmac`` among them.

    :raise Unproven: no form, or a field is repeated, so that what was signed is not known.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise Unproven("neither Hitpay-Signature nor a form") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Unproven("a field is repeated, so what was signed is not known")
    return fields


def _signed_text(fields: Mapping[str, str]) -> str:
    """Sorted by name, name and value of each in one string, nothing between; empty ones stay."""
    return "".join(name + fields[name] for name in sorted(fields))
