"""What the calls of HandCash's API send, as rules, and what breaks one, in the words of Joi."""

from typing import Any

from ..kit import MAX_AMOUNT, Refused, digits, is_number, is_web_address
from ..kit.fields import Words, in_turn, is_array, is_string, must
from .prices import CURRENCIES, minor

TEXT = in_turn(must(is_string, "must be a string"), must(len, "is not allowed to be empty"))
URL = must(is_web_address, "must be a valid uri")
WHOLE = must(
    lambda it: type(it) is int and 0 < it <= MAX_AMOUNT,
    "must be a positive integer",
)
AMOUNT = in_turn(
    must(is_number, "must be a number"),
    must(lambda it: 0 < it * 100 <= MAX_AMOUNT, "must be a positive number"),
)
FREE = must(lambda it: isinstance(it, dict), "must be of type object")
ARRAY = must(is_array, "must be an array")
WORDS = Words(
    missing="is required",
    unknown="is not allowed",
    no_object="must be of type object",
    no_choice="must be one of [{}]",
)
RECEIVER = {"sendAmount!": AMOUNT, "destination!": TEXT, "tags": [TEXT, ARRAY]}
RECEIVERS = in_turn(ARRAY, must(len, "must contain at least 1 items"))
PRODUCT = {"name": TEXT, "description": TEXT, "longDescription": TEXT, "imageUrl": URL}
#: handcash-pay/create-payment-request and the SDK.
CREATE: dict[str, Any] = {
    "product!": {"name!": TEXT, **{name: PRODUCT[name] for name in PRODUCT if name != "name"}},
    "instrumentCurrencyCode!": ("MNEE", "BSV"),
    "receivers!": [
        RECEIVER,
        RECEIVERS,
    ],
    "requestedUserData": [("paymail", "email", "phoneNumber"), ARRAY],
    "paymentMethods": [("onChain", "externalPaymentProcessor"), ARRAY],
    "redirectUrl": URL,
    "notifications": {
        "webhook": {"webhookUrl!": URL, "customParameters": FREE},
        "email": TEXT,
    },
    "expirationType!": ("never", "limit", "onPaymentCompleted"),
    "totalUnits": WHOLE,
    "expirationInSeconds": WHOLE,
    "expiresAt": TEXT,
    "enabledAt": TEXT,
    "priceBeforeDiscount": AMOUNT,
    "shop": FREE,
}
#: handcash-pay/manage-payment-request and the SDK.
UPDATE: dict[str, Any] = {
    "product": PRODUCT,
    "redirectUrl": URL,
    "notifications": {
        "webhook": {"webhookUrl": URL, "customParameters": FREE},
        "email": TEXT,
    },
    "expirationInSeconds": WHOLE,
    "expiresAt": TEXT,
    "decreaseRemainingUnits": WHOLE,
    "priceBeforeDiscount": lambda value: "" if value is None else AMOUNT(value),
    "shop": FREE,
}


def check(value: Any, rule: Any) -> None:
    """:raise Refused: the first thing that breaks the rule, as Joi would say it."""
    for path, said in WORDS.problems(value, rule):
        at = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
        raise invalid(at.lstrip(".") or "value", said)


def invalid(path: str, words: str) -> Refused:
    return Refused(400, f'"{path}" {words}')


def check_new(payload: Any, price_field: str) -> str:
    """The body of a create call; ``price_field``: names the price's currency, which is returned.

    :raise Refused: the first thing that breaks a rule.
    """
    check(payload, CREATE | {price_field: CURRENCIES})
    if payload["instrumentCurrencyCode"] == "MNEE" and "denominationCurrencyCode" in payload:
        raise invalid("denominationCurrencyCode", "is not allowed")
    if payload["expirationType"] == "limit" and "totalUnits" not in payload:
        raise invalid("totalUnits", "is required")
    currency: str = payload.get(price_field, payload["instrumentCurrencyCode"])
    check_decimals(payload["receivers"], currency)
    return currency


def check_decimals(receivers: list[dict[str, Any]], currency: str) -> None:
    """:raise Refused: an amount is finer than its currency."""
    for place, each in enumerate(receivers):
        exact = minor(each["sendAmount"], currency)
        if exact != int(exact):
            words = f"must have no more than {digits(currency)} decimal places"
            raise invalid(f"receivers[{place}].sendAmount", words)
