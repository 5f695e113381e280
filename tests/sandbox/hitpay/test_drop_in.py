"""HitPay's drop-in: its script, its frame, and the hosted page inside it."""

import pytest

from ..conftest import StartSandbox
from ..driver import RETURN_URL, HitPay

SHOP = "http://shop.example"


def start(start_sandbox: StartSandbox) -> HitPay:
    return HitPay(start_sandbox(base_url=SHOP).app)


def test_the_script_is_where_its_address_says(start_sandbox: StartSandbox) -> None:
    with start(start_sandbox).http.get("/hitpay/hitpay.js") as script:
        assert script.mimetype == "text/javascript"
        assert "window.HitPay" in script.text


def test_only_the_shop_may_frame_it_and_only_there(start_sandbox: StartSandbox) -> None:
    hitpay = start(start_sandbox)
    payment = hitpay.payment()

    frame = hitpay.http.get("/hitpay/hitpay-iframe.html")
    page = hitpay.page(payment, "?drop_in=1")
    plain = hitpay.page(payment)

    for framed in (frame, page):
        policy = framed.headers["Content-Security-Policy"]
        assert f"frame-ancestors {SHOP};" in policy
        assert "script-src 'self';" in policy
        assert f'data-shop="{SHOP}"' in framed.text
    policy = plain.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert "<script" not in plain.text


def test_a_success_stays_in_the_frame_and_is_told(start_sandbox: StartSandbox) -> None:
    hitpay = start(start_sandbox)
    payment = hitpay.payment()
    path = f"/hitpay/payment-request/@kiln-and-kettle/{payment['id']}/checkout?drop_in=1"
    card = {"method": "card", "number": "4242424242424242", "expiry": "03/31", "cvc": "123"}

    assert 'action="' + path.replace("&", "&amp;") in hitpay.http.get(path).text
    answer = hitpay.http.post(path, data=card)
    result = hitpay.http.get(answer.location)

    assert answer.location == path
    assert 'data-tell="success"' in result.text
    assert RETURN_URL not in result.text


def test_closing_and_an_ended_page_are_told(start_sandbox: StartSandbox) -> None:
    hitpay = start(start_sandbox)
    payment = hitpay.payment()
    page = f"/hitpay/payment-request/@kiln-and-kettle/{payment['id']}/checkout"

    closed = hitpay.http.post(f"{page}/cancel?drop_in=1")
    hitpay.http.post(f"{page}?drop_in=1", data={"fault": "expire"})
    ended = hitpay.http.get(f"{page}?drop_in=1")

    assert 'data-tell="toggle"' in closed.text
    assert 'data-tell="error"' in ended.text


def test_a_tab_that_is_closed_reports_nothing(start_sandbox: StartSandbox) -> None:
    hitpay = start(start_sandbox)
    payment = hitpay.payment()
    hitpay.pay(payment, fault="close_tab")

    assert 'data-tell=""' in hitpay.page(payment, "?drop_in=1").text


LINK = "/hitpay/payment-request/@kiln-and-kettle/"


def test_on_the_default_link_a_shopper_says_how_much_she_pays(hitpay: HitPay) -> None:
    assert "Amount in SGD" in hitpay.http.get(LINK).text

    answer = hitpay.http.post(LINK, data={"amount": "12.5"})
    page = hitpay.http.get(answer.location)

    assert "Pay SGD 12.50" in page.text
    (made,) = hitpay.v1("GET", "/payment-requests").json["data"]
    assert (made["amount"], made["currency"], made["redirect_url"]) == ("12.50", "sgd", None)
    hitpay.pay(made)
    assert hitpay.fetch(made)["status"] == "completed"


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({}, "The amount field is required."),
        ({"amount": "0.29"}, "The amount must be between 0.3 and"),
        ({"amount": "1.005"}, "The amount must be a number."),
        ({"amount": "-5"}, "The amount must be a number."),
        ({"amount": "5", "currency": "XXX"}, "The selected currency is invalid."),
    ],
)
def test_an_odd_amount_makes_no_request(
    hitpay: HitPay, form: dict[str, str], sentence: str
) -> None:
    answer = hitpay.http.post(LINK, data=form)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert hitpay.v1("GET", "/payment-requests").json["data"] == []


def test_the_default_link_stays_in_the_frame(start_sandbox: StartSandbox) -> None:
    hitpay = start(start_sandbox)
    inside = f"{LINK}?drop_in=1&amount=12.5&method=paynow_online"

    page = hitpay.http.get(inside)
    answer = hitpay.http.post(inside, data={"amount": "12.5"})
    checkout = hitpay.http.get(answer.location)

    for framed in (page, checkout):
        assert f"frame-ancestors {SHOP};" in framed.headers["Content-Security-Policy"]
    assert 'value="12.5"' in page.text
    assert "drop_in=1" in page.text
    assert "<details open" in checkout.text.split("<summary>PayNow")[0][-60:]
