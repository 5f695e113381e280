"""An expiry is taken as people write it, on every page that takes cards."""

import pytest

from sandbox.kit.cards import read_expiry

from .driver import HitPay, Sandbox, WiPay

WRITTEN = ("0331", "03/31", "3/31", "03 / 2031", "03-31", "032031", "03/2031", " 3 / 31 ", "03 31")


@pytest.mark.parametrize("written", WRITTEN)
def test_an_expiry_is_read_however_it_is_written(
    sandbox: Sandbox, hitpay: HitPay, wipay: WiPay, written: str
) -> None:
    payments = sandbox.payment(), hitpay.payment(), wipay.payment()

    pages = [
        shop.pay(payment, expiry=written)
        for shop, payment in zip((sandbox, hitpay, wipay), payments, strict=True)
    ]

    assert read_expiry(written) == "03/31"
    assert [page.status_code for page in pages] == [303, 303, 303]
    assert sandbox.fetch(payments[0])["card"]["expYear"] == "31"


@pytest.mark.parametrize(
    "written", ["", "331", "13/31", "00/31", "03/1931", "2031-03", "03/3", "03//31", "٠٣/٣١"]
)
def test_what_is_no_expiry_is_none(written: str) -> None:
    assert read_expiry(written) is None
