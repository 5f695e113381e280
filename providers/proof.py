"""How a delivery proves that the provider sent it: one check of an HMAC, in constant time."""

import hashlib
import hmac
from collections.abc import Iterable

from .contract import Unproven


def check_hmac(
    name: str, given: str, signed: bytes, secrets: Iterable[str], prefix: str = ""
) -> None:
    """HMAC-SHA256 over ``signed``, as ``prefix`` and lower-case hexadecimal digits.

    ``secrets``: several while one is being replaced; an empty one is never used. ``name`` is that
    of the header or field, for the error.

    :raise Unproven: it is missing, or was not made with any of the secrets.
    """
    digests = [
        prefix + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        for secret in secrets
        if secret
    ]
    if not is_one_of(given, digests):
        raise Unproven(f"{name} differs" if given else f"{name} is missing")


def is_one_of(given: str, expected: Iterable[str]) -> bool:
    """Compared with each in constant time, and always with all; an empty one is never equal."""
    sent = given.encode("utf-8", "surrogatepass")  # JSON can name what UTF-8 cannot write
    wanted = [each.encode("utf-8", "surrogatepass") for each in expected if each]
    return any([hmac.compare_digest(sent, each) for each in wanted])
