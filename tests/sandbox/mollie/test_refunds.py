"""Mollie's refunds: pending, then made; none twice within the hour."""

from .merchant import Merchant

HOUR = 3600


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


def test_as_much_again_within_the_hour_is_a_duplicate(mollie: Merchant) -> None:
    """create-refund: 409; more than remains is 422."""
    reference = mollie.pay()
    assert mollie.refund(reference, "5.00").status_code == 201

    assert mollie.refund(reference, "5.00").status_code == 409
    assert mollie.refund(reference, "7.01").json["field"] == "amount.value"
    mollie.sandbox.set_clock(advance=HOUR + 1)
    assert mollie.refund(reference, "5.00").status_code == 201
