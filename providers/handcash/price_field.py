"""HandCash's create call, whose field for the price's currency is documented under two names."""

import re
from typing import Any

from ..contract import Rejected
from .api import COIN, Account, call_api

#: The name of the price's currency in a create call: the SDK's, and the one of a page of 2026-01
#: that calls the first one wrong. The second is sent when the first is refused in these words.
PRICE_FIELDS = ("denominationCurrencyCode", "currency")
WRONG_PRICE_FIELD = re.compile(
    r"HTTP 400\b.*(?<![\w.])(?<![a-z] )"
    r'(denominationCurrencyCode"? is not allowed|currency"? is required)'
)


def create(account: Account, payload: dict[str, Any], currency: str) -> dict[str, Any]:
    """Sent once; under the other of :data:`PRICE_FIELDS` only when HandCash refused the first name,
    and so made nothing. A price in the coin itself has no such field.

    :raise ProviderError: see ``api.py``.
    """
    if currency == COIN:
        return call_api(account, "POST", "", payload)
    ours, other = PRICE_FIELDS
    try:
        return call_api(account, "POST", "", payload | {ours: currency})
    except Rejected as error:
        if not WRONG_PRICE_FIELD.search(str(error)):
            raise
    return call_api(account, "POST", "", payload | {other: currency})
