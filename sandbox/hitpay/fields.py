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
#: Every code that HitPay's pages name for a hosted page (create-request, online-payments,
#: embedded-qr-code-payments): what the shopper reads.
METHODS = {
    "card": "Card",
    PAYNOW: "PayNow",
    "wechat": "WeChat Pay",
    "wechat_pay": "WeChat Pay",
    "alipay": "Alipay",
    "grabpay": "GrabPay",
    "grabpay_direct": "GrabPay",
    "grabpay_paylater": "GrabPay PayLater",
    "shopee_pay": "ShopeePay",
    "atome": "Atome",
    "shopback": "ShopBack",
    "zip": "Zip",
    "fpx": "FPX",
    "fave_duit": "Fave",
    "touch_n_go": "Touch ’n Go",
    "duitnow": "DuitNow",
}
ENABLED = ("card", PAYNOW)  # offered when a request names none
MOST_METADATA = 50  # pairs
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


def _metadata(value: Any) -> str:
    """50 pairs of texts; of a text, 500 characters."""
    pairs = value if isinstance(value, dict) else {"": None}
    if len(pairs) > MOST_METADATA:
        return f"The metadata may not have more than {MOST_METADATA} items."
    fits = all(isinstance(each, str) and len(each) <= 500 for each in pairs.values())
    return "" if fits else "The metadata must be texts of at most 500 characters."


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
    "metadata": _metadata,
}
#: Fields of a form that are several: payment_methods[], event_types[0], metadata[size].
LISTED = re.compile(r"(payment_methods|event_types)\[\d*\]")
PAIR = re.compile(r"metadata\[([^\]]+)\]")
FLAGS = ("allow_repeated_payments", "send_email", "send_sms", "add_admin_fee", "generate_qr")
TEXTS = ("name", "email", "phone", "purpose", "reference_number", "redirect_url", "webhook")


@dataclass(frozen=True)
class Wanted:
    """What a payment request is to be. ``lifetime``: seconds; ``details``: the other fields."""

    amount: int  # minor units
    currency: str
    lifetime: int | None
    details: dict[str, Any]


def sent() -> dict[str, Any]:
    """The fields that were sent, by name: lists as lists, and ``metadata`` as a dict."""
    if request.is_json:
        try:
            fields = json.loads(request.get_data(), parse_float=Decimal)
        except (ValueError, RecursionError):
            fields = None
        return fields if isinstance(fields, dict) else {}
    several: dict[str, Any] = {}
    for name, value in request.form.items(multi=True):
        if found := LISTED.fullmatch(name):
            several.setdefault(found[1], []).append(value)
        elif found := PAIR.fullmatch(name):
            several.setdefault("metadata", {})[found[1]] = value
    return request.form.to_dict() | several


def read(sent: dict[str, Any]) -> Wanted:
    """The fields of a call that makes or changes a payment request.

    :raise Refused: 422, with a sentence for each field that is wrong.
    """
    given = {name: value for name, value in sent.items() if value is not None}
    errors = problems(given, FIELDS)
    currency = "" if "currency" in errors else given["currency"].upper()
    methods = _methods(given.get("payment_methods") or ENABLED, currency)
    if currency and not methods:
        errors["payment_methods"] = "The selected payment methods is invalid."
    flags = {name: str(given.get(name)).lower() in ("true", "1") for name in FLAGS}
    if flags["generate_qr"] and methods != [PAYNOW]:
        errors["generate_qr"] = "A QR code needs exactly one payment method that has them."
    if errors:
        raise wrong(errors)
    details = {name: given.get(name) for name in TEXTS} | {
        "payment_methods": methods,
        "metadata": given.get("metadata"),
        **flags,
    }
    return Wanted(minor(str(given["amount"])), currency, _lifetime(given), details)


def problems(given: dict[str, Any], rules: dict[str, Any]) -> dict[str, str]:
    """Field -> what is wrong with it."""
    return {str(path[0]): said for path, said in Words().problems(given, rules)}


def _methods(named: Any, currency: str) -> list[str]:
    """Those of the named ones that take the currency, as they were ordered; none where one is
    unknown.
    """
    if not isinstance(named, list | tuple) or not set(map(str, named)) <= METHODS.keys():
        return []
    once = dict.fromkeys(map(str, named))
    return [each for each in once if currency == "SGD" or each != PAYNOW]


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
