"""What MintCash's page is asked with, and both shapes of the answer that names it."""

from dataclasses import replace
from typing import Any

import pytest
import responses

from providers import mintcash
from providers.contract import Address, Redirect, Unreachable
from providers.mintcash.pages import page_payload

from ..contract import URLS
from .case import ACCOUNT, PAYMENT, fixture


@pytest.mark.parametrize(("postal_code", "is_sent"), [("9000", True), ("", False)])
def test_billing_is_sent_where_there_is_a_postal_code(postal_code: str, is_sent: bool) -> None:
    address = Address("Potter Street 1", "", "Ghent", postal_code, "BE")

    payload = page_payload(replace(PAYMENT, address=address), URLS)

    assert ("billing" in payload) is is_sent


def test_the_wrapped_reply_of_the_guides_is_read_like_the_flat_one(
    api: responses.RequestsMock,
) -> None:
    api.post("https://sandbox.mintcash.me/payments", json=fixture("created_wrapped.json"))

    checkout = mintcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert checkout.next_action == Redirect("https://pay.example/pmt_7Hq2mZ0c")


FLAT, WRAPPED = fixture("created_flat.json"), fixture("created_wrapped.json")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(FLAT | WRAPPED, id="both_at_once"),
        pytest.param(FLAT | {"payment": None}, id="wrapped_null"),
        pytest.param(FLAT | {"payment": FLAT["id"]}, id="wrapped_only_named"),
        pytest.param({"payment": FLAT, "redirectUrl": None}, id="address_inside_only"),
    ],
)
def test_a_reply_in_both_shapes_is_read_by_whichever_says_it(
    api: responses.RequestsMock, reply: dict[str, Any]
) -> None:
    api.post("https://sandbox.mintcash.me/payments", json=reply)

    checkout = mintcash.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert checkout.provider_reference == FLAT["id"]
    assert checkout.next_action == Redirect("https://pay.example/pmt_7Hq2mZ0c")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(FLAT | WRAPPED | {"id": "pmt_another"}, id="two_ids"),
        pytest.param(FLAT | WRAPPED | {"id": None}, id="one_id_null"),
        pytest.param({"payment": FLAT | {"id": None}, "redirectUrl": "https://x"}, id="no_id"),
        pytest.param({"payment": {}, "redirectUrl": "https://x"}, id="empty"),
        pytest.param({"payment": [FLAT]}, id="list"),
        pytest.param(FLAT | {"redirectUrl": ["https://x"]}, id="odd_address"),
    ],
)
def test_a_reply_that_names_not_one_payment_is_no_answer(
    api: responses.RequestsMock, reply: dict[str, Any]
) -> None:
    """C7: whether a payment was made is not known, so the same call is sent again."""
    api.post("https://sandbox.mintcash.me/payments", json=reply)

    with pytest.raises(Unreachable):
        mintcash.start_checkout(ACCOUNT, PAYMENT, URLS)
