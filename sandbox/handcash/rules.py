"""What the calls of HandCash's API send, as rules, and what breaks one, in the words of Joi."""

from collections.abc import Callable
from typing import Any

from ..kit import MAX_AMOUNT, Refused, is_number, is_web_address


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return "must be a string"
    return "" if value else "is not allowed to be empty"


def _url(value: Any) -> str:
    return "" if is_web_address(value) else "must be a valid uri"


def _whole(value: Any) -> str:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_AMOUNT
    return "" if fits else "must be a positive integer"


def _amount(value: Any) -> str:
    if not is_number(value):
        return "must be a number"
    if not 0 < value * 100 <= MAX_AMOUNT:
        return "must be a positive number"
    return "" if value * 100 == int(value * 100) else "must have no more than 2 decimal places"


def _free(value: Any) -> str:
    return "" if isinstance(value, dict) else "must be of type object"


#: A field that must be there is marked "!"; a tuple holds the words to choose from, a list the rule
#: of its items, a function says what is wrong.
PRODUCT = {"name": _text, "description": _text, "longDescription": _text, "imageUrl": _url}
#: handcash-pay/create-payment-request and the SDK.
CREATE: dict[str, Any] = {
    "product!": {"name!": _text, **{name: PRODUCT[name] for name in PRODUCT if name != "name"}},
    "instrumentCurrencyCode!": ("MNEE", "BSV"),
    "receivers!": [{"sendAmount!": _amount, "destination!": _text, "tags": [_text]}],
    "requestedUserData": [("paymail", "email", "phoneNumber")],
    "paymentMethods": [("onChain", "externalPaymentProcessor")],
    "redirectUrl": _url,
    "notifications": {
        "webhook": {"webhookUrl!": _url, "customParameters": _free},
        "email": _text,
    },
    "expirationType!": ("never", "limit", "onPaymentCompleted"),
    "totalUnits": _whole,
    "expirationInSeconds": _whole,
    "expiresAt": _text,
    "enabledAt": _text,
    "priceBeforeDiscount": _amount,
    "shop": _free,
}
#: handcash-pay/manage-payment-request and the SDK.
UPDATE: dict[str, Any] = {
    "product": PRODUCT,
    "redirectUrl": _url,
    "notifications": {
        "webhook": {"webhookUrl": _url, "customParameters": _free},
        "email": _text,
    },
    "expirationInSeconds": _whole,
    "expiresAt": _text,
    "decreaseRemainingUnits": _whole,
    "priceBeforeDiscount": lambda value: "" if value is None else _amount(value),
    "shop": _free,
}


def check(value: Any, rule: Any, path: str = "") -> None:
    """:raise Refused: the first thing that breaks the rule, as Joi would say it."""
    if isinstance(rule, dict):
        _check_object(value, rule, path)
    elif isinstance(rule, list):
        if not isinstance(value, list):
            raise invalid(path, "must be an array")
        for number, each in enumerate(value):
            check(each, rule[0], f"{path}[{number}]")
    elif isinstance(rule, tuple):
        if value not in rule:
            raise invalid(path, f"must be one of [{', '.join(rule)}]")
    else:
        says: Callable[[Any], str] = rule
        if words := says(value):
            raise invalid(path, words)


def _check_object(value: Any, rule: dict[str, Any], path: str) -> None:
    if not isinstance(value, dict):
        raise invalid(path or "value", "must be of type object")
    at = f"{path}." if path else ""
    for marked, each in rule.items():
        name = marked.rstrip("!")
        if name in value:
            check(value[name], each, at + name)
        elif marked != name:
            raise invalid(at + name, "is required")
    for name in value:
        if name not in rule and f"{name}!" not in rule:
            raise invalid(at + name, "is not allowed")


def invalid(path: str, words: str) -> Refused:
    return Refused(400, f'"{path}" {words}')


def check_new(payload: Any, price: dict[str, Any]) -> None:
    """The body of a create call. ``price``: the rule of the field that names the price's currency.

    :raise Refused: the first thing that breaks a rule.
    """
    check(payload, CREATE | price)
    if payload["instrumentCurrencyCode"] == "MNEE" and "denominationCurrencyCode" in payload:
        raise invalid("denominationCurrencyCode", "is not allowed")
    if not payload["receivers"]:
        raise invalid("receivers", "must contain at least 1 items")
    if payload["expirationType"] == "limit" and "totalUnits" not in payload:
        raise invalid("totalUnits", "is required")
