"""What HandCash appends to ``redirectUrl``: ``transactionId``, unsigned."""

from collections.abc import Mapping

from ..contract import PaymentRequest
from ..optional import Hint
from ..text import printable
from .api import Account


def read_return(account: Account, payment: PaymentRequest, args: Mapping[str, str]) -> Hint:
    """A hint only."""
    return Hint(printable(args.get("transactionId", ""), 64))
