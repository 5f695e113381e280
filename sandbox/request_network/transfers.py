"""What a wallet pays, and what is still to be paid of the requests of a link. Minor units."""

import re
import secrets
import time
from typing import Any

from ..clock import timestamp
from ..kit import major
from ..models import Payment
from .coins import NETWORKS

WALLET = "0x71c7656ec7ab88b098defb751b7401b5f6d8976f"
SAFE_HOURS = 24  # that a Safe's owners have to sign; an assumption
CROSS_CHAIN_MORE_THAN = 100  # minor units; api-features/crosschain-payments
HASH = re.compile(r"0x[0-9A-Fa-f]{64}")  # of a transaction
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def transfer(chain: str, coin: str, cents: int, settles: str = "now") -> dict[str, Any]:
    """What a wallet pays.

    ``settles``: ``now``, ``later``, ``safe`` (later, when a Safe's owners have signed), or
    ``never`` (the bridge fails). ``fate`` is what comes of it: ``arrives``, ``fails``, or ``lost``
    (no block takes it in).
    """
    return {
        "chain": chain,
        "coin": coin,
        "network": NETWORKS[chain],
        "cents": cents,
        "settles": settles,
        "fate": "fails" if settles == "never" else "arrives",
        "payer": WALLET,
        "txHash": f"0x{secrets.token_hex(32)}",
        "safeTxHash": f"0x{secrets.token_hex(32)}",  # a Safe's: its owners sign it
        "timestamp": timestamp(),
        "deadline": int(time.time()) + SAFE_HOURS * 3600,
    }


def left(wanted: dict[str, Any]) -> int:
    """What is still to be paid of one request."""
    cents: int = wanted["cents"] - sum(each["cents"] for each in wanted["payments"])
    return cents


def missing(payment: Payment) -> int:
    """What is still to be paid of all."""
    return sum(left(each) for each in payment.details["requests"])


def shares(payment: Payment, cents: int) -> dict[int, int]:
    """How a sum fills the requests, one after the other: index -> its share."""
    found = {}
    for index, wanted in enumerate(payment.details["requests"]):
        if share := min(cents, left(wanted)):
            found[index] = share
            cents -= share
    return found


def decimal(cents: int) -> str:
    """As webhooks write it: 4990 is ``"49.9"``, 5000 is ``"50.0"``."""
    return major(cents).removesuffix("0")


def ulid() -> str:
    """26 of Crockford's letters: 48 bits of real milliseconds, then 80 of chance."""
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in reversed(range(26)))
