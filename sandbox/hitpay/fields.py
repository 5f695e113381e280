"""What the calls of HitPay's API send: forms or JSON, checked in the words of Laravel."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask import request

from ..kit import Refused, is_text, minor

SMALLEST, LARGEST = Decimal("0.3"), Decimal("999999999.99")  # openapi.json
CURRENCIES = ("SGD", "USD", "EUR", "GBP", "MYR", "AUD")
PAYNOW = "paynow_online"
METHODS = ("card", PAYNOW)
UNITS = {"min": 60, "minute": 60, "hour": 3600, "day": 86400}  # of expires_after, in seconds


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
    fields = _Fields(sent)
    currency = fields.currency()
    lifetime = fields.lifetime()
    methods = fields.methods(currency) if currency else []
    details: dict[str, Any] = {
        "name": fields.text("name"),
        "email": fields.text("email", r"[^@\s]+@[^@\s]+", "must be a valid email address"),
        "phone": fields.text("phone"),
        "purpose": fields.text("purpose"),
        "reference_number": fields.text("reference_number"),
        "payment_methods": methods,
        "redirect_url": fields.address("redirect_url"),
        "webhook": fields.address("webhook"),
        "allow_repeated_payments": str(sent.get("allow_repeated_payments")).lower() == "true",
        "generate_qr": fields.generate_qr(methods),
    }
    amount = fields.amount()
    if fields.errors:
        first = next(iter(fields.errors.values()))[0]
        raise Refused(422, first, errors=fields.errors)
    return Wanted(amount, currency, lifetime, details)


def wrong(field: str, sentence: str) -> Refused:
    """One field is wrong."""
    return Refused(422, sentence, errors={field: [sentence]})


class _Fields:
    """Reads the fields of a call, and gathers what is wrong with them."""

    def __init__(self, sent: dict[str, Any]) -> None:
        self.sent = sent
        self.errors: dict[str, list[str]] = {}

    def wrong(self, field: str, sentence: str) -> None:
        self.errors.setdefault(field, []).append(sentence)

    def text(
        self, field: str, pattern: str = ".+", problem: str = "is invalid", longest: int = 255
    ) -> str | None:
        """A text that the pattern allows; None when it was not sent."""
        value = self.sent.get(field)
        if value is None:
            return None
        if is_text(value, longest) and re.fullmatch(pattern, value):
            return str(value)
        self.wrong(field, f"The {field.replace('_', ' ')} {problem}.")
        return None

    def address(self, field: str) -> str | None:
        pattern = r"https?://[\w.-]+(:\d+)?(/[!-~]*)?"
        return self.text(field, pattern, "must be a valid URL", 1028)

    def amount(self) -> int:
        """Minor units."""
        value = self.sent.get("amount")
        if value in (None, ""):
            self.wrong("amount", "The amount field is required.")
        elif not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", str(value)):
            self.wrong("amount", "The amount must be a number.")
        elif not SMALLEST <= Decimal(str(value)) <= LARGEST:
            self.wrong("amount", "The amount must be between 0.3 and 999999999.99.")
        else:
            return minor(str(value))
        return 0

    def currency(self) -> str:
        value = self.sent.get("currency")
        if value in (None, ""):
            self.wrong("currency", "The currency field is required.")
        elif not isinstance(value, str) or value.upper() not in CURRENCIES:
            self.wrong("currency", "The selected currency is invalid.")
        else:
            return value.upper()
        return ""

    def methods(self, currency: str) -> list[str]:
        """Those that were named; without a name, all that take the currency."""
        named = self.sent.get("payment_methods") or METHODS
        is_known = isinstance(named, list | tuple) and set(map(str, named)) <= set(METHODS)
        chosen = [
            each
            for each in METHODS
            if is_known and each in named and (currency == "SGD" or each != PAYNOW)
        ]
        if not chosen:
            self.wrong("payment_methods", "The selected payment methods is invalid.")
        return chosen

    def lifetime(self) -> int | None:
        """Seconds, from ``expires_after`` or ``expiry_date``."""
        value = self.text("expires_after", r"[0-9]{1,6} ?(min|minute|hour|day)s?")
        if value is not None:
            number, unit = re.findall(r"[0-9]+|[a-z]+", value)
            return int(number) * UNITS[unit.removesuffix("s")]
        value = self.text("expiry_date")
        if value is None:
            return None
        try:
            ends = datetime.strptime(f"{value} +0800", "%Y-%m-%d %H:%M:%S %z")
        except ValueError:
            self.wrong("expiry_date", "The expiry date does not match the format Y-m-d H:i:s.")
            return None
        seconds = round((ends - datetime.now(UTC)).total_seconds())
        if seconds <= 0:
            self.wrong("expiry_date", "The expiry date must be a date after now.")
        return seconds

    def generate_qr(self, methods: list[str]) -> bool:
        is_wanted = str(self.sent.get("generate_qr")).lower() in ("true", "1")
        if is_wanted and methods != [PAYNOW]:
            self.wrong("generate_qr", "A QR code needs exactly one payment method that has them.")
        return is_wanted
