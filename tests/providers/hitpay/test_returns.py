"""What the browser brings back from HitPay."""

import pytest

from providers import hitpay
from providers.optional import Hint

from .case import (
    ACCOUNT,
    PAYMENT,
    REQUEST_ID,
)


@pytest.mark.parametrize("status", ["completed", "canceled", "failed", "", "\x00"])
def test_a_return_is_a_hint_whatever_it_says(status: str) -> None:
    """G1."""
    args = {"reference": REQUEST_ID, "status": status}

    assert isinstance(hitpay.read_return(ACCOUNT, PAYMENT, args), Hint)
