"""What a request to WiPay must be: a rule for each field, the first that is broken is named."""

import re
from collections.abc import Mapping

from ..kit import Refused, is_web_address, minor, settings_as
from .fees import FEE_STRUCTURES
from .settings import WiPaySettings

LIMITS = {"TTD": (500, 2_040_000), "USD": (74, 300_000)}  # minor units; wapi/transactions/meta

#: Of order_id and origin: letters, digits, dash and underscore, the last two only inside.
NAME = re.compile(r"(?![_-])[A-Za-z0-9_-]{1,48}(?<![_-])", re.ASCII)
TOTAL = re.compile(r"[0-9]{1,7}\.[0-9]{2}", re.ASCII)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

Rules = dict[str, bool]  # field -> whether it is kept


def of_payment(form: Mapping[str, str]) -> Rules:
    """In the order of checks that hosted-checkout-flows names."""
    account = settings_as(WiPaySettings).wipay_account_number
    return {
        "account_number": form.get("account_number") == account,
        **of_transaction(form),
        "method": form.get("method") in ("credit_card_co", "credit_card"),
        "email": bool(EMAIL.fullmatch(form.get("email", ""))) and len(form["email"]) <= 50,
        "name": len(form.get("name", "")) <= 60,
        "data": len(form.get("data", "")) <= 4096,
        "version": len(form.get("version", "")) <= 16,
        "avs": form.get("avs", "0") in ("0", "1", "true", "false"),
    }


def of_transaction(form: Mapping[str, str]) -> Rules:
    """What holds for a payment and for the charge of a saved card."""
    total, currency, origin = (form.get(name, "") for name in ("total", "currency", "origin"))
    smallest, largest = LIMITS.get(currency, (100, 10**8))
    return {
        "country_code": form.get("country_code") == settings_as(WiPaySettings).wipay_country_code,
        "currency": currency in LIMITS,
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
