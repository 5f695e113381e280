"""WiPay's trusted cards: saved on its page, verified by an amount, charged, deleted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
import responses

from providers import wipay
from providers.contract import (
    News,
    ProviderError,
    Redirect,
    Rejected,
    Unreachable,
)
from providers.optional import Card, CardPage, Hint

from ..contract import URLS
from .case import (
    ACCOUNT,
    BY_FORM,
    CARD,
    CHARGE_URL,
    PAYMENT,
    TRANSACTION,
    UNNAMED,
    fixture,
)
from .reading import returned_by_form


@pytest.mark.parametrize("account", [ACCOUNT, BY_FORM], ids=["json", "form"])
def test_a_saved_card_is_charged_on_a_page_of_its_own(
    api: responses.RequestsMock, account: wipay.Account
) -> None:
    api.post(CHARGE_URL, json=fixture("created.json"))

    checkout = wipay.start_checkout(account, replace(UNNAMED, method=f"card:{CARD}"), URLS)

    assert checkout.provider_reference == TRANSACTION
    assert checkout.next_action == Redirect(fixture("created.json")["url"])
    (sent,) = api.calls
    assert sent.request.headers["X-WAPI-Key"] == "wapi_test_example"
    assert dict(parse_qsl(str(sent.request.body), strict_parsing=True)) == {
        "country_code": "TT",
        "currency": "USD",
        "environment": "sandbox",
        "fee_structure": account.fee_structure,
        "order_id": "0123456789abcdef",
        "origin": "kiln-and-kettle",
        "response_url": URLS.return_url,
        "total": "10.00",
    }


@pytest.mark.parametrize("account", [ACCOUNT, BY_FORM], ids=["json", "form"])
def test_the_return_of_a_charge_proves_it_for_we_asked_ourselves(
    account: wipay.Account,
) -> None:
    charged = replace(PAYMENT, method=f"card:{CARD}")
    unnamed = replace(charged, provider_reference=None)

    news = wipay.read_return(account, charged, fixture("return_documented.json"))

    assert isinstance(news, News)
    assert (news.status, news.amount, news.currency) == ("succeeded", 1000, "USD")
    assert isinstance(wipay.read_return(account, unnamed, returned_by_form()), Hint)


@pytest.mark.parametrize("method", ["card:", "card:../x", "card:" + CARD.upper(), "alipay"])
def test_nothing_is_called_for_what_is_no_card(method: str) -> None:
    with pytest.raises(Rejected):
        wipay.start_checkout(ACCOUNT, replace(PAYMENT, method=method), URLS)


CARDS_URL = "https://ttsb.wipayfinancial.com/wapi/trusted-cards"
CARD_URL = f"{CARDS_URL}/{CARD}"


RETURN_URL = "https://shop.example/cards/return/wipay"
PAGE = "https://ttsb.wipayfinancial.com/checkout/payment?_data=b3BhcXVl"


#: wapi/trusted-cards/retrieveTrustedCard; values are ours.
KEPT = {
    "uuid": CARD,
    "card_type": "visa",
    "pan": "************1111",
    "exp_mm": "04",
    "exp_yy": "30",
    "first_name": "Ann",
    "last_name": "Example",
    "environment": "sandbox",
    "verified": False,
    "verify_expiry": "2026-11-28T08:50:22+00:00",
}


def test_a_card_is_saved_on_a_page_of_wipays(api: responses.RequestsMock) -> None:
    api.post(CARDS_URL, json={"message": "OK", "url": PAGE, "transaction_id": TRANSACTION})

    assert wipay.save_card(ACCOUNT, RETURN_URL) == CardPage(TRANSACTION, PAGE)

    (sent,) = api.calls
    assert sent.request.headers["X-WAPI-Key"] == "wapi_test_example"
    form = dict(parse_qsl(str(sent.request.body), strict_parsing=True))
    assert form == {"environment": "sandbox", "response_url": RETURN_URL}


def test_a_page_that_is_not_given_is_not_asked_for_twice(api: responses.RequestsMock) -> None:
    api.post(CARDS_URL, json={"message": "Service Unavailable"}, status=503)

    with pytest.raises(Unreachable):
        wipay.save_card(ACCOUNT, RETURN_URL)

    assert len(api.calls) == 1


def test_the_return_names_the_visit_and_the_card() -> None:
    args = {"status": "success", "transaction_id": TRANSACTION, "uuid": CARD, "total": "0.80"}

    assert wipay.read_card_return(ACCOUNT, args) == (TRANSACTION, CARD)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "failed"},
        {"status": ""},
        {"uuid": ""},
        {"uuid": "../transactions"},
        {"uuid": CARD.replace("41d3", "11d3")},
        {"transaction_id": ""},
        {"transaction_id": "a/b"},
    ],
)
def test_a_return_without_both_names_nothing(changes: dict[str, str]) -> None:
    args = {"status": "success", "transaction_id": TRANSACTION, "uuid": CARD} | changes

    assert wipay.read_card_return(ACCOUNT, args) is None


def test_the_amount_verifies_the_card(api: responses.RequestsMock) -> None:
    api.post(f"{CARD_URL}/verify", json={"message": "OK"})

    wipay.verify_card(ACCOUNT, CARD, "0.80")

    assert api.calls[0].request.body == "amount=0.80"


def test_a_card_that_was_verified_before_is_fine(api: responses.RequestsMock) -> None:
    """The answer to the first call was lost, say."""
    message = {"message": "Your card has already been verified."}
    api.post(f"{CARD_URL}/verify", json=message, status=403)

    wipay.verify_card(ACCOUNT, CARD, "0.80")


@pytest.mark.parametrize(
    ("status", "message", "sentence"),
    [
        (400, "The amount is incorrect.", "not the amount that was debited"),
        (403, "The verification window has expired.", "time to verify this card has passed"),
        (400, "The uuid is not a valid UUID (version 4).", "cannot verify this card"),
    ],
)
def test_why_a_card_is_not_verified_is_said_in_a_sentence(
    api: responses.RequestsMock, status: int, message: str, sentence: str
) -> None:
    api.post(f"{CARD_URL}/verify", json={"message": message}, status=status)

    with pytest.raises(Rejected, match="HTTP") as raised:
        wipay.verify_card(ACCOUNT, CARD, "0.79")

    assert sentence in raised.value.shopper
    assert len(api.calls) == 1


@pytest.mark.parametrize("shape", [lambda card: card, lambda card: [card]], ids=["2.0.2", "2.0.0"])
def test_a_card_is_asked_for_in_either_documented_shape(
    api: responses.RequestsMock, shape: Callable[[Any], Any]
) -> None:
    api.get(CARD_URL, json={"message": "OK", "data": shape(KEPT)})

    card = wipay.fetch_card(ACCOUNT, CARD)

    assert card == Card(CARD, "Visa ending 1111", False, datetime(2026, 11, 28, 8, 50, 22, 0, UTC))


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"card_type": "mastercard"}, "Mastercard ending 1111"),
        ({"card_type": None}, "Card ending 1111"),
        ({"card_type": "<b>", "pan": None}, "Card"),
    ],
)
def test_a_card_is_called_by_brand_and_last_digits(
    api: responses.RequestsMock, changes: dict[str, Any], label: str
) -> None:
    verified = {"verified": True, "verify_expiry": None}
    api.get(CARD_URL, json={"message": "OK", "data": KEPT | verified | changes})

    assert wipay.fetch_card(ACCOUNT, CARD) == Card(CARD, label, True, None)


def test_a_card_that_wipay_does_not_know_is_none(api: responses.RequestsMock) -> None:
    api.get(CARD_URL, json={"message": "OK", "data": []})

    assert wipay.fetch_card(ACCOUNT, CARD) is None


@pytest.mark.parametrize(
    "data",
    [None, {}, "x", [KEPT, KEPT], KEPT | {"uuid": "another"}, KEPT | {"verify_expiry": "soon"}],
)
def test_an_answer_that_is_not_about_the_card_is_not_believed(
    api: responses.RequestsMock, data: object
) -> None:
    api.get(CARD_URL, json={"message": "OK", "data": data})

    with pytest.raises(Unreachable):
        wipay.fetch_card(ACCOUNT, CARD)


@pytest.mark.parametrize(
    ("status", "message"), [(200, "OK"), (400, "The selected uuid is invalid.")]
)
def test_a_card_is_forgotten_also_when_it_was_before(
    api: responses.RequestsMock, status: int, message: str
) -> None:
    api.delete(CARD_URL, json={"message": message}, status=status)

    wipay.delete_card(ACCOUNT, CARD)


@pytest.mark.parametrize(
    ("status", "problem"), [(401, Rejected), (403, Rejected), (500, Unreachable)]
)
def test_a_card_that_may_still_be_there_is_an_error(
    api: responses.RequestsMock, status: int, problem: type[ProviderError]
) -> None:
    api.delete(CARD_URL, json={"message": "no"}, status=status)

    with pytest.raises(problem):
        wipay.delete_card(ACCOUNT, CARD)


@pytest.mark.parametrize("card_id", ["", "..", f"{CARD}/charge", CARD.upper(), "é" * 36])
def test_nothing_is_called_for_what_is_no_card_id(card_id: str) -> None:
    with pytest.raises(Rejected, match="no card of WiPay's"):
        wipay.verify_card(ACCOUNT, card_id, "0.80")
    with pytest.raises(Rejected, match="no card of WiPay's"):
        wipay.fetch_card(ACCOUNT, card_id)
    with pytest.raises(Rejected, match="no card of WiPay's"):
        wipay.delete_card(ACCOUNT, card_id)
