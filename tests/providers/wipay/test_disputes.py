"""Money that the payer's bank wants back."""

import pytest

from providers import wipay

from .case import (
    ACCOUNT,
    BY_FORM,
    changed,
)
from .reading import read


@pytest.mark.parametrize(
    ("event", "dispute"),
    [
        ("payment.chargeback_pending", "opened"),
        ("payment.chargeback_processed", "lost"),
        ("payment.chargeback_released", "won"),
        ("payment.fraud_confirmed", "opened"),
        ("payment.success", None),
        ("payment.refunded", None),
        ("payment.refund_requested", None),
    ],
)
@pytest.mark.parametrize("account", [ACCOUNT, BY_FORM], ids=["json", "form"])
def test_money_that_the_bank_wants_back_is_a_dispute(
    account: wipay.Account, event: str, dispute: str | None
) -> None:
    """P7: a person is told."""
    (news,) = read(changed(event=event), account)

    assert news.dispute == dispute
    assert news.status is None or dispute is None
