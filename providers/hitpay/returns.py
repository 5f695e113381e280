"""What HitPay appends to ``redirect_url``: ``reference`` and ``status``, neither signed."""

from collections.abc import Mapping

from ..contract import PaymentRequest
from ..optional import Hint
from ..text import printable
from .api import Account


def read_return(account: Account, payment: PaymentRequest, args: Mapping[str, str]) -> Hint:
    """A hint only: "canceled" may come with a paid request, too."""
    word = printable(args.get("status", ""), 20)
    return Hint(word, "canceled" if word == "canceled" else None)
