"""The address check: which fields the page is filled with."""

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
import responses

from providers import wipay
from providers.contract import (
    Address,
    FormPost,
)

from ..contract import URLS
from .case import (
    ACCOUNT,
    BY_FORM,
    CARD,
    CHARGE_URL,
    PAYMENT,
    REQUEST_URL,
    UNNAMED,
    fixture,
)
from .reading import sent_form


def test_the_address_is_checked_where_that_is_set(api: responses.RequestsMock) -> None:
    api.post(REQUEST_URL, json=fixture("created.json"))
    checked = replace(ACCOUNT, avs=True)

    wipay.start_checkout(checked, PAYMENT, URLS)

    assert dict(parse_qsl(str(api.calls[0].request.body)))["avs"] == "1"
    assert wipay.capabilities(checked).page_minutes == 5
    assert wipay.capabilities(ACCOUNT).page_minutes == 3


ADDRESS = Address("1 Frederick Street", "Flat 2", "Port of Spain", "100123", "TT", "Couva")


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        (
            ADDRESS,
            {
                "addr1": "1 Frederick Street",
                "addr2": "Flat 2",
                "city": "Port of Spain",
                "zipcode": "100123",
                "country": "TT",
            },
        ),
        (
            Address("1 Main St", "", "Reno", "89501-1234", "US", "nv"),
            {
                "addr1": "1 Main St",
                "city": "Reno",
                "zipcode": "895011234",
                "state": "NV",
                "country": "US",
            },
        ),
        (
            Address("Straße 1", "", "Zürich", "", "CH", "ZH"),
            {"addr1": "Straße 1", "city": "Zürich", "country": "CH"},
        ),
        (
            Address("a" * 51, "Flat 2", "c" * 31, "SW1A 1AA", "GB", "Greater London"),
            {"zipcode": "SW1A1AA", "country": "GB"},
        ),
        (
            Address("a" * 50, "b" * 51, "c" * 30, "100/123", "JP", ""),
            {"addr1": "a" * 50, "city": "c" * 30, "country": "JP"},
        ),
        (
            Address("1 Main St", "", "Reno", "8" * 11, "US", "Nevada"),
            {
                "addr1": "1 Main St",
                "city": "Reno",
                "country": "US",
            },
        ),
        (None, {}),
    ],
)
def test_the_orders_address_fills_in_the_form_where_it_keeps_to_wipays_rules(
    api: responses.RequestsMock, address: Address | None, fields: dict[str, str]
) -> None:
    """T16: a field that breaks a rule is left out, or WiPay would refuse the whole request."""
    payment = replace(PAYMENT, address=address)
    plain = sent_form(api, payment)
    api.post(REQUEST_URL, json=fixture("created.json"))

    wipay.start_checkout(replace(ACCOUNT, avs=True), payment, URLS)

    assert "addr1" not in plain
    form = dict(parse_qsl(str(api.calls[-1].request.body)))
    assert form == plain | {"avs": "1"} | fields


def test_in_form_mode_the_browser_takes_the_address_along() -> None:
    """T16."""
    checked = replace(BY_FORM, avs=True)

    checkout = wipay.start_checkout(checked, replace(UNNAMED, address=ADDRESS), URLS)

    assert isinstance(checkout.next_action, FormPost)
    assert ("addr1", "1 Frederick Street") in checkout.next_action.fields


def test_a_saved_card_is_charged_without_an_address(api: responses.RequestsMock) -> None:
    """T16: the charge call knows no such fields."""
    api.post(CHARGE_URL, json=fixture("created.json"))
    payment = replace(UNNAMED, method=f"card:{CARD}", address=ADDRESS)

    wipay.start_checkout(replace(ACCOUNT, avs=True), payment, URLS)

    form = dict(parse_qsl(str(api.calls[-1].request.body)))
    assert not {"avs", "addr1", "country"} & form.keys()
