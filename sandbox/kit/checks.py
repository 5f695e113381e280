"""What a call must be, and how money is written: read once here, worded by each provider."""

import hmac
import json
import re
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import urlsplit

from babel.numbers import get_currency_precision
from flask import request

#: Undocumented; names of people hold nearly every other character. Half a surrogate pair is none.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
MAX_AMOUNT = 10**10  # minor units; an assumption
COIN_DIGITS = {"BSV": 8, "MNEE": 2}


def json_body(refusal: Exception) -> Any:
    """The JSON that was sent, whatever its content type; numbers with a point are ``Decimal``.

    :raise refusal: it is not JSON, which has no NaN.
    """
    try:
        return json.loads(request.get_data(), parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise refusal from None


def json_object(refusal: Exception) -> dict[str, Any]:
    """The same where it must be an object.

    :raise refusal: it is no JSON object.
    """
    found = json_body(refusal)
    if not isinstance(found, dict):
        raise refusal
    return found


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def is_text(value: object, longest: int = 255) -> bool:
    """1 to 255 characters, none of which controls anything."""
    return isinstance(value, str) and 0 < len(value) <= longest and not CONTROL.search(value)


def is_web_address(value: object, characters: str = "[!-~]", longest: int = 2000) -> bool:
    """http or https with a host, and no password; of printable ASCII unless said otherwise."""
    if not isinstance(value, str) or not re.fullmatch(f"{characters}{{1,{longest}}}", value):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def is_number(value: object) -> bool:
    """A JSON number; ``True`` is none."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def is_secret(given: str, expected: str) -> bool:
    """Whether a caller named the secret; compared in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def canonical(payload: Any) -> str:
    """A text that is equal for equal payloads."""
    return json.dumps(payload, sort_keys=True, default=str)


def minor(major: str) -> int:
    """Major units as minor ones: "49.9" is 4990."""
    return int(Decimal(major).scaleb(2))


def major(amount: int) -> str:
    """Minor units as the text of major ones: 4900 is "49.00"."""
    return f"{Decimal(amount).scaleb(-2):.2f}"


def digits(currency: str) -> int:
    """After the decimal point: 2 for USD, 0 for JPY, 8 for a coin."""
    return COIN_DIGITS.get(currency, get_currency_precision(currency))


def number(amount: int) -> int | float:
    """Minor units as the JSON number of major ones: 4999 is 49.99, 2500 is 25."""
    return plain(Decimal(amount).scaleb(-2))


def plain(value: Decimal) -> int | float:
    """As JSON writes it. The float is made only to be printed: ``repr`` returns every decimal of
    up to 15 digits unchanged, and ``MAX_AMOUNT`` has 11.
    """
    return int(value) if value == int(value) else float(value)
