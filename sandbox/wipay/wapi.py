"""WiPay's WAPI v2.0.2: its key and its look-ups (docs.wipayfinancial.com/wapi)."""

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import request
from sqlalchemy import literal, select

from ..kit import Refused, is_secret, major, minor
from ..kit.paging import listed
from ..models import Payment
from . import provider
from .fees import FEE_STRUCTURES, fee, payers_part
from .rules import CURRENCIES, ENVIRONMENTS, LIMITS, TOTAL, keep_to
from .webhooks import shown


def authenticate() -> None:
    """Exactly one of a key and a token; tokens are not imitated, so none is valid (wapi/keys)."""
    key, given = provider.settings.wipay_wapi_key.get_secret_value(), request.headers
    has_token = "Authorization" in given
    if not key or has_token or not is_secret(given.get("X-WAPI-Key", ""), key):
        raise provider.refused(401)


wapi = provider.blueprint("wapi", "/wapi", login=authenticate)


# --- wapi/transactions --------------------------------------------------------------------------


@wapi.get("/transactions")
def list_transactions() -> Any:
    """The history, newest first (wapi/transactions/getTransactionHistory)."""
    environment = request.args.get("environment")
    if environment not in ENVIRONMENTS:
        raise Refused(400, "The environment field is invalid.")
    page, size = _number("page", 1, 10**6), _number("page_size", 15, 100)
    mine = select(Payment).where(
        Payment.provider == provider.name, literal(environment == "sandbox")
    )
    return {"message": "OK", **listed(mine, page, size, shown, "page")}


@wapi.get("/transactions/meta")
def show_meta() -> Any:
    """What a request may ask for (wapi/transactions/getTransactionMeta)."""
    taken = list(CURRENCIES[provider.settings.wipay_country_code])
    return {
        "message": "OK",
        "data": {
            "currencies": taken,
            "environments": list(ENVIRONMENTS),
            "fee_structures": FEE_STRUCTURES,
            "totals": {
                currency: {"minimum": float(major(smallest)), "maximum": float(major(largest))}
                for currency in taken
                for smallest, largest in [LIMITS[currency]]
            },
        },
    }


@wapi.get("/transactions/fees")
def show_fees() -> Any:
    """Who would pay what of an amount (wapi/transactions/getTransactionFees)."""
    asked = request.args
    currency, structure = asked.get("currency", ""), asked.get("fee_structure", "")
    try:
        amount = f"{Decimal(asked.get('amount', '')):.2f}"
    except InvalidOperation:
        amount = ""
    rules = {
        "fee_structure": structure in FEE_STRUCTURES,
        "currency": currency in CURRENCIES[provider.settings.wipay_country_code],
        "amount": bool(TOTAL.fullmatch(amount)),
    }
    keep_to(rules, asked)
    whole = fee(minor(amount), currency, provider.settings.wipay_country_code)
    customers = payers_part(whole, structure)
    return {
        "message": "OK",
        "data": {
            "org_t": float(amount),
            "cus_t": float(major(minor(amount) + customers)),
            "cus_t_fee": float(major(customers)),
            "mer_t": float(major(minor(amount) + customers - whole)),
            "mer_t_fee": float(major(whole - customers)),
            "fee_name": "Processing fee",
            "type": structure,
            "cus_desc": f"You pay {major(customers)} {currency} of the fee.",
            "mer_desc": f"The merchant pays {major(whole - customers)} {currency} of the fee.",
        },
    }


@wapi.get("/transactions/<transaction_id>")
def retrieve_transaction(transaction_id: str) -> Any:
    """One transaction (wapi/transactions/retrieveTransaction)."""
    return {"message": "OK", "data": shown(find(transaction_id))}


def find(transaction_id: str) -> Payment:
    return provider.found(transaction_id, Refused(400, "The selected transaction id is invalid."))


def _number(name: str, usual: int, largest: int) -> int:
    number = request.args.get(name, usual, type=int)
    if not 1 <= number <= largest:
        raise Refused(400, f"The {name} field is invalid.")
    return number
