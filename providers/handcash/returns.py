"""What HandCash appends to ``redirectUrl``: ``transactionId``, unsigned."""

from collections.abc import Mapping

from ..contract import PaymentRequest, printable
from ..optional import Hint
from .api import Account


def read_return(account: Account, payment: PaymentRequest, args: Mapping[str, str]) -> Hint:
    """A hint only."""
    return Hint(printable(args.get("transactionId", ""), 64))
