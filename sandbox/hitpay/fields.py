"""What the calls of HitPay's API send: forms or JSON, checked in the words of Laravel."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask import request

from ..kit import Refused, is_text, minor
from ..kit.fields import Check, Words, in_turn, is_given, must

SMALLEST, LARGEST = Decimal("0.3"), Decimal("999999999.99")  # openapi.json
CURRENCIES = ("SGD", "USD", "EUR", "GBP", "MYR", "AUD")
PAYNOW = "paynow_online"
METHODS = ("card", PAYNOW)
UNITS = {"min": 60, "minute": 60, "hour": 3600, "day": 86400}  # of expires_after, in seconds


AMOUNT_IS_GIVEN = must(is_given, "The amount field is required.")


def is_amount(value: object) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", str(value)))


def _text(sentence: str, pattern: str = ".+", longest: int = 255) -> Check:
    return must(lambda it: is_text(it, longest) and re.fullmatch(pattern, it), sentence)


def _address(sentence: str) -> Check:
    return _text(sentence, r"https?://[\w.-]+(:\d+)?(/[!-~]*)?", 1028)


def _expiry_date(value: Any) -> str:
    try:
        seconds = _seconds_until(value)
    except ValueError:
        return "The expiry date does not match the format Y-m-d H:i:s."
    return "" if seconds > 0 else "The expiry date must be a date after now."


def _seconds_until(time: object) -> int:
    """:raise ValueError: it is no time of Singapore."""
    ends = datetime.strptime(f"{time} +0800", "%Y-%m-%d %H:%M:%S %z")
    return round((ends - datetime.now(UTC)).total_seconds())


FIELDS = {
    "amount!": in_turn(
        AMOUNT_IS_GIVEN,
        must(is_amount, "The amount must be a number."),
        must(
            lambda it: SMALLEST <= Decimal(str(it)) <= LARGEST,
            "The amount must be between 0.3 and 999999999.99.",
        ),
    ),
    "currency!": in_turn(
        must(is_given, "The currency field is required."),
        must(lambda it: str(it).upper() in CURRENCIES, "The selected currency is invalid."),
    ),
    "name": _text("The name is invalid."),
    "email": _text("The email must be a valid email address.", r"[^@\s]+@[^@\s]+"),
    "phone": _text("The phone is invalid."),
    "purpose": _text("The purpose is invalid."),
    "reference_number": _text("The reference number is invalid."),
    "redirect_url": _address("The redirect url must be a valid URL."),
    "webhook": _address("The webhook must be a valid URL."),
    "expires_after": _text("The expires after is invalid.", r"[0-9]{1,6} ?(min|minute|hour|day)s?"),
    "expiry_date": _expiry_date,
}
TEXTS = ("name", "email", "phone", "purpose", "reference_number", "redirect_url", "webhook")


@dataclass(frozen=True)
class Wanted:
    """What a payment request is to be. ``lifetime``: seconds; ``details``: the other fields."""

    amount: int  # minor units
    currency: str
    lifetime: int | None
    details: dict[str, Any]


def sent() -> dict[str, Any]:
    """The fields that were sent, by name; ``payment_methods`` as a list."""
    if request.is_json:
        try:
            fields = json.loads(request.get_data(), parse_float=Decimal)
        except (ValueError, RecursionError):
            fields = None
        return fields if isinstance(fields, dict) else {}
    form = request.form.items(multi=True)
    methods = [value for name, value in form if re.fullmatch(r"payment_methods\[\d*\]", name)]
    return request.form.to_dict() | ({"payment_methods": methods} if methods else {})


def read(sent: dict[str, Any]) -> Wanted:
    """The fields of a call that makes or changes a payment request.

    :raise Refused: 422, with a sentence for each field that is wrong.
    """
    given = {name: value for name, value in sent.items() if value is not None}
    errors = problems(given, FIELDS)
    currency = "" if "currency" in errors else given["currency"].upper()
    methods = _methods(given.get("payment_methods") or METHODS, currency)
    if currency and not methods:
        errors["payment_methods"] = "The selected payment methods is invalid."
    wants_qr = str(given.get("generate_qr")).lower() in ("true", "1")
    if wants_qr and methods != [PAYNOW]:
        errors["generate_qr"] = "A QR code needs exactly one payment method that has them."
    if errors:
        raise wrong(errors)
    details = {name: given.get(name) for name in TEXTS} | {
        "payment_methods": methods,
        "allow_repeated_payments": str(given.get("allow_repeated_payments")).lower() == "true",
        "generate_qr": wants_qr,
    }
    return Wanted(minor(str(given["amount"])), currency, _lifetime(given), details)


def problems(given: dict[str, Any], rules: dict[str, Any]) -> dict[str, str]:
    """Field -> what is wrong with it."""
    return {str(path[0]): said for path, said in Words().problems(given, rules)}


def _methods(named: Any, currency: str) -> list[str]:
    """Those of the named ones that take the currency; none where one is unknown."""
    if not isinstance(named, list | tuple) or not set(map(str, named)) <= set(METHODS):
        return []
    return [each for each in METHODS if each in named and (currency == "SGD" or each != PAYNOW)]


def _lifetime(given: dict[str, Any]) -> int | None:
    """Seconds, from ``expires_after`` or ``expiry_date``."""
    if "expires_after" in given:
        number, unit = re.findall(r"[0-9]+|[a-z]+", given["expires_after"])
        return int(number) * UNITS[unit.removesuffix("s")]
    return _seconds_until(given["expiry_date"]) if "expiry_date" in given else None


def wrong(errors: dict[str, str]) -> Refused:
    """Fields that are wrong; the first of their sentences is the message, too."""
    first = next(iter(errors.values()))
    return Refused(422, first, errors={field: [errors[field]] for field in errors})
