"""Mollie's test page, and the webhook that names a payment and nothing else."""

import pytest

from .merchant import Merchant

HOUR = 3600


@pytest.mark.parametrize("status", ["paid", "failed", "canceled", "expired"])
def test_the_status_that_is_chosen_is_told_by_a_form_with_the_id(
    mollie: Merchant, status: str
) -> None:
    """testing, webhooks: no signature, and nothing but the id."""
    reference = mollie.pay(status)
    mollie.sandbox.work()

    assert mollie.get(reference)["status"] == status
    (received,) = mollie.shop.received
    assert received.body == f"id={reference}".encode()
    assert received.headers["content-type"] == "application/x-www-form-urlencoded"
    why = {"failureReason": "insufficient_funds"} if status == "failed" else None
    assert mollie.get(reference)["details"] == why


def test_a_payment_that_stays_open_expires(mollie: Merchant) -> None:
    reference = mollie.pay("")
    assert mollie.get(reference)["status"] == "open"

    mollie.sandbox.set_clock(advance=15 * 60)
    mollie.sandbox.work()

    assert mollie.get(reference)["status"] == "expired"
    assert "checkout" not in mollie.get(reference)["_links"]


def test_a_webhook_is_sent_ten_times_in_26_hours(mollie: Merchant) -> None:
    mollie.shop.answers[:] = [(500, "")] * 20
    mollie.pay()

    for _ in range(15):
        mollie.sandbox.work()
        mollie.sandbox.set_clock(advance=22 * HOUR)

    assert len(mollie.shop.received) == 10
