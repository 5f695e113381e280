"""HitPay's drop-in: what its script is given."""

from dataclasses import replace

import responses

from providers import hitpay
from providers.contract import (
    Embed,
    Qr,
)

from ..contract import URLS
from .case import (
    ACCOUNT,
    API,
    PAYMENT,
    REQUEST_ID,
    fixture,
)
from .reading import BY_QR, PAYLOAD


def test_the_drop_in_is_given_what_its_script_needs(api: responses.RequestsMock) -> None:
    api.post(API, json=fixture("created.json"))
    url = fixture("created.json")["url"]

    way = hitpay.start_checkout(
        replace(ACCOUNT, drop_in="https://sandbox.hit-pay.com"), PAYMENT, URLS
    ).next_action

    assert way == Embed(
        url,
        "https://sandbox.hit-pay.com/hitpay.js",
        (
            ("request", REQUEST_ID),
            ("link", url),
            ("return", URLS.return_url),
            ("scheme", "https"),
            ("domain", "sandbox.hit-pay.com"),
            ("api-domain", "sandbox.hit-pay.com"),
            ("path", ""),
        ),
    )


def test_a_default_link_goes_before_the_requests_own(api: responses.RequestsMock) -> None:
    api.post(API, json=fixture("created.json"))
    link = "https://securecheckout.sandbox.hit-pay.com/payment-request/@kiln/"
    account = replace(ACCOUNT, drop_in="http://127.0.0.1:5001/hitpay", default_link=link)

    way = hitpay.start_checkout(account, PAYMENT, URLS).next_action

    assert isinstance(way, Embed)
    assert way.script == "http://127.0.0.1:5001/hitpay/hitpay.js"
    options = dict(way.options)
    assert options["link"] == link
    assert (options["scheme"], options["domain"], options["path"]) == (
        "http",
        "127.0.0.1:5001",
        "/hitpay",
    )


def test_a_qr_code_needs_no_drop_in(api: responses.RequestsMock) -> None:
    api.post(API, json=fixture("created.json", qr_code_data=PAYLOAD))

    way = hitpay.start_checkout(
        replace(ACCOUNT, drop_in="https://hit-pay.com"), BY_QR, URLS
    ).next_action

    assert isinstance(way, Qr)
