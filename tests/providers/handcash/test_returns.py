"""What the browser brings back from HandCash."""

from providers import handcash
from providers.optional import Hint

from .case import (
    ACCOUNT,
    PAYMENT,
    TRANSACTION_ID,
)


def test_the_return_is_a_hint_with_the_transaction() -> None:
    args = {"transactionId": TRANSACTION_ID}

    assert handcash.read_return(ACCOUNT, PAYMENT, args) == Hint(TRANSACTION_ID)
