"""How a delivery proves that the provider sent it: HMACs, compared in constant time.

Plain (:func:`check_hmac`), or with the moment of signing inside (:func:`check_timed_hmac`), which
also stops a replay of a delivery that was captured long ago.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Iterable

from .contract import Unproven, WrongEnvironment
from .proven import Proof
from .text import printable

TOLERANCE = 300  # seconds between a signed time stamp and our clock, in either direction
RAW_BODY, TIME_AND_BODY = "the raw body", "time stamp and raw body"
UNIX_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


def check_hmac(
    name: str,
    given: str,
    signed: bytes,
    secrets: Iterable[str],
    prefix: str = "",
    separator: str = "",
    over: str = RAW_BODY,
) -> Proof:
    """HMAC-SHA256 over ``signed``, as ``prefix`` and lower-case hexadecimal digits.

    ``secrets``: several while one is being replaced; an empty one is never used. ``separator``:
    between several signatures, where the provider sends one for each key that is in use; any one
    may match. ``name`` is that of the header or field, ``over`` says what ``signed`` is: for the
    error and the proof.

    :raise Unproven: it is missing, or was not made with any of the secrets.
    """
    several = [each.strip() for each in given.split(separator)] if separator else [given]
    _check(name, several, signed, secrets, prefix)
    return Proof(name, "HMAC-SHA256", over)


def check_timed_hmac(
    name: str, given: str, body: bytes, secrets: Iterable[str], tolerance: int = TOLERANCE
) -> Proof:
    """``t=<Unix seconds>,v1=<digits>``, as Stripe signs: HMAC-SHA256 over ``<t>.<body>``.

    Of several ``v1`` any one may match; other schemes beside them are ignored. ``tolerance``:
    seconds in either direction, since clocks differ. ``name`` and ``secrets`` as above.

    :raise Unproven: missing, not one time stamp, made with none of the secrets, or stale.
    """
    pairs = [each.strip().partition("=") for each in given.split(",")]
    stamps = [value for key, _, value in pairs if key == "t"]
    if len(stamps) != 1:
        raise Unproven(f"{name} holds not one time stamp" if given else f"{name} is missing")
    signatures = [value for key, _, value in pairs if key == "v1"]
    _check(name, signatures, with_time(stamps[0], body), secrets)
    check_age(stamps[0], tolerance)
    return Proof(name, "HMAC-SHA256", TIME_AND_BODY)


def by_answer(path: str) -> Proof:
    """For news that the provider told when it was asked: no one else answers under its name."""
    return Proof(f"the provider's own answer to GET {path}")


def with_time(stamp: str, body: bytes) -> bytes:
    """``<stamp>.<body>``: what is signed where the moment of signing is.

    :raise Unproven: the stamp is missing, or no number of seconds.
    """
    if not UNIX_SECONDS.fullmatch(stamp):
        raise Unproven("time stamp is missing or no number")
    return stamp.encode() + b"." + body


def check_age(stamp: str, tolerance: int = TOLERANCE) -> None:
    """Compare a signed time stamp with this machine's clock.

    :raise Unproven: older than ``tolerance`` seconds, or as far in the future.
    """
    age = int(time.time()) - int(stamp)
    if abs(age) > tolerance:
        raise Unproven(f"signed {age} seconds ago")


def check_environment(name: str, theirs: object, ours: object) -> None:
    """Compare what a delivery says of test and live, in ``name``, with what the account is.

    :raise WrongEnvironment: it is another one, or not said.
    """
    if theirs != ours or type(theirs) is not type(ours):  # 0 equals False
        raise WrongEnvironment(f"{name} is {printable(theirs, 20)!r}, ours is {ours!r}")


def is_one_of(given: str, expected: Iterable[str]) -> bool:
    """Compared with each in constant time, and always with all; an empty one is never equal."""
    sent = given.encode("utf-8", "surrogatepass")  # JSON can name what UTF-8 cannot write
    wanted = [each.encode("utf-8", "surrogatepass") for each in expected if each]
    return any([hmac.compare_digest(sent, each) for each in wanted])


def _check(
    name: str, given: list[str], signed: bytes, secrets: Iterable[str], prefix: str = ""
) -> None:
    digests = [
        prefix + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        for secret in secrets
        if secret
    ]
    if not any([is_one_of(each, digests) for each in given]):
        raise Unproven(f"{name} differs" if any(given) else f"{name} is missing")
