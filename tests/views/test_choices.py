"""The ways to pay, as the checkout and an unpaid order offer them."""

from flask import Flask

from views.choices import choices


def test_a_way_that_takes_another_currency_says_so(app: Flask) -> None:
    with app.test_request_context():
        found = {each.provider: each for each in choices("TTD")}

    assert found["WiPay"].available
    assert "not TTD" in found["MintCash"].reason
