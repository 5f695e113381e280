"""Mollie's refunds: pending, then made, or failed."""

from .merchant import Merchant


def test_a_refund_is_pending_and_then_made(mollie: Merchant) -> None:
    reference = mollie.pay()

    made = mollie.refund(reference, "5.00", "key-1")
    assert (made.status_code, made.json["status"]) == (201, "pending")
    assert mollie.refund(reference, "5.00", "key-1").json == made.json
    mollie.sandbox.set_clock(advance=20)
    mollie.sandbox.work()

    (refund,) = mollie.get(reference)["_embedded"]["refunds"]
    assert (refund["id"], refund["status"]) == (made.json["id"], "refunded")
    assert [each.body for each in mollie.shop.received] == [f"id={reference}".encode()] * 2


def test_no_more_is_refunded_than_remains(mollie: Merchant) -> None:
    """create-refund: 422. What is pending counts."""
    reference = mollie.pay()
    assert mollie.refund(reference, "5.00").status_code == 201

    assert mollie.refund(reference, "7.01").json["field"] == "amount.value"
    assert mollie.refund(reference, "7.00").status_code == 201


def test_a_refund_that_failed_can_be_asked_for_again(mollie: Merchant) -> None:
    reference = mollie.pay()
    mollie.refund(reference, "12.00")

    mollie.sandbox.act("refund_fails")

    (failed,) = mollie.get(reference)["_embedded"]["refunds"]
    assert failed["status"] == "failed"
    assert mollie.refund(reference, "12.00").status_code == 201
