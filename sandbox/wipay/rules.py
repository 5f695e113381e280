"""What a request to WiPay must be: a rule for each field, the first that is broken is named."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import request

from ..kit import Refused, is_number, is_web_address, json_object, minor, settings_as
from .fees import FEE_STRUCTURES
from .settings import WiPaySettings

#: Minor units; wapi/transactions/meta shows TTD and USD.
LIMITS = {"TTD": (500, 2_040_000), "USD": (74, 300_000), "JMD": (11_500, 46_500_000)}
#: Country -> what its accounts take; no page has the whole table.
CURRENCIES = {
    "BB": ("USD",),
    "GD": ("USD",),
    "GY": ("USD",),
    "JM": ("JMD", "USD"),
    "TT": ("TTD", "USD"),
}
ENVIRONMENTS = ("live", "sandbox")
PUBLIC_ACCOUNT = "1234567890"  # the test account of all five countries

#: Of order_id and origin: letters, digits, dash and underscore, the last two only inside.
NAME = re.compile(r"(?![_-])[A-Za-z0-9_-]{1,48}(?<![_-])", re.ASCII)
TOTAL = re.compile(r"[0-9]{1,7}\.[0-9]{2}", re.ASCII)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
ZIP = re.compile(r"[A-Za-z0-9]{1,10}", re.ASCII)
PHONE = re.compile(r"\+?[0-9][0-9 ()-]{0,18}", re.ASCII)  # E.164 is advised
COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
STATE = re.compile(r"[A-Z0-9]{1,3}", re.ASCII)  # the part of ISO 3166-2 behind the country

Rules = dict[str, bool]  # field -> whether it is kept


def sent() -> dict[str, str]:
    """The body: form fields, or JSON, of which a sum is written with two decimals.

    :raise Refused: 400, neither.
    """
    if not request.is_json:
        return request.form.to_dict()
    found = json_object(Refused(400, "The body is invalid."))
    return {name: _text(name, value) for name, value in found.items() if value is not None}


def _text(name: str, value: Any) -> str:
    """A number that is no sum stays as it is written: an account's, say."""
    if name in ("total", "amount") and is_number(value):
        exact = Decimal(value)
        in_cents = f"{exact:.2f}" if abs(exact.adjusted()) < 12 else ""  # 1e999999 is long
        return in_cents if in_cents and Decimal(in_cents) == exact else str(exact)
    return str(int(value)) if isinstance(value, bool) else str(value)


def of_payment(form: Mapping[str, str]) -> Rules:
    """In the order of checks that hosted-checkout-flows names."""
    ours, email = settings_as(WiPaySettings), form.get("email", "")
    may_lack_email = ours.sandbox_wipay_email == "optional" and not email
    return {
        "account_number": form.get("account_number") == ours.wipay_account_number,
        **of_transaction(form),
        "method": form.get("method") in ("credit_card_co", "credit_card"),
        "email": may_lack_email or (bool(EMAIL.fullmatch(email)) and len(email) <= 50),
        **_of_payer(form),
        "card_type": form.get("card_type", "visa") in ("mastercard", "visa"),
        "data": len(form.get("data", "")) <= 4096,
        "version": len(form.get("version", "")) <= 16,
        "avs": form.get("avs", "0") in ("0", "1", "true", "false"),
    }


def _of_payer(form: Mapping[str, str]) -> Rules:
    """Who pays and where, all of it optional: it fills in the page, and comes back."""
    longest = {"name": 60, "fname": 30, "lname": 30, "addr1": 50, "addr2": 50, "city": 30}
    patterns = {"state": STATE, "country": COUNTRY, "zipcode": ZIP, "phone": PHONE}
    rules = {name: len(form.get(name, "")) <= most for name, most in longest.items()}
    rules["fname"] &= "lname" not in form or "fname" in form
    rules["addr1"] &= "addr2" not in form or "addr1" in form
    given = {name: rule for name, rule in patterns.items() if name in form}
    return rules | {name: bool(rule.fullmatch(form[name])) for name, rule in given.items()}


def of_transaction(form: Mapping[str, str]) -> Rules:
    """What holds for a payment and for the charge of a saved card."""
    total, currency, origin = (form.get(name, "") for name in ("total", "currency", "origin"))
    country, ours = form.get("country_code", ""), settings_as(WiPaySettings)
    smallest, largest = LIMITS.get(currency, (100, 10**8))
    is_at_home = country == ours.wipay_country_code or ours.wipay_account_number == PUBLIC_ACCOUNT
    return {
        "country_code": is_at_home and country in CURRENCIES,
        "currency": currency in CURRENCIES.get(country, ()),
        "environment": form.get("environment") == "sandbox",
        "fee_structure": form.get("fee_structure") in FEE_STRUCTURES,
        "total": bool(TOTAL.fullmatch(total)) and smallest <= minor(total) <= largest,
        "order_id": bool(NAME.fullmatch(form.get("order_id", ""))),
        "origin": bool(NAME.fullmatch(origin)) and len(origin) <= 32,
        "response_url": is_response_url(form.get("response_url", "")),
    }


def keep_to(rules: Rules, form: Mapping[str, str]) -> None:
    """
    :raise Refused: names the first field that breaks its rule.
    """
    for field, is_kept in rules.items():
        if not is_kept:
            problem = "is invalid" if form.get(field) else "is required"
            raise Refused(400, f"The {field} field {problem}.")


def is_response_url(value: str) -> bool:
    return is_web_address(value, longest=255)
