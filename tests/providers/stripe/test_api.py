"""How Stripe counts money, and what its answers mean."""

from dataclasses import replace

import pytest
import responses

from providers import stripe
from providers.contract import Malformed, Rejected, Unreachable
from providers.stripe.api import read_money, to_stripe

from ..contract import URLS
from .case import ACCOUNT, API, PAYMENT, fixture


@pytest.mark.parametrize(
    ("ours", "currency", "theirs"),
    [
        (4999, "USD", 4999),
        (500, "JPY", 500),
        (1200, "HUF", 1200),
        (5, "ISK", 500),
        (5, "UGX", 500),
        (1230, "KWD", 1230),
        (700, "MGA", 7),
        (3000, "XAF", 3000),
    ],
)
def test_each_currency_is_counted_in_stripes_units(ours: int, currency: str, theirs: int) -> None:
    """docs.stripe.com/currencies: no decimals, two, three, and ISK and UGX, which seem to have."""
    said = {"sum": theirs, "currency": currency.lower()}

    assert to_stripe(ours, currency) == str(theirs)
    assert read_money(said, "sum", Malformed) == {"amount": ours, "currency": currency}


@pytest.mark.parametrize(("amount", "currency"), [(1234, "KWD"), (750, "MGA")])
def test_what_stripe_cannot_take_is_not_asked_for(amount: int, currency: str) -> None:
    with pytest.raises(Rejected):
        to_stripe(amount, currency)


@pytest.mark.parametrize("said", [True, "4999", -1, 10**30, [], {}])
def test_a_sum_that_is_no_integer_is_malformed(said: object) -> None:
    """B17."""
    with pytest.raises(Malformed):
        read_money({"sum": said, "currency": "usd"}, "sum", Malformed)


@pytest.mark.parametrize("currency", ["isk", "ugx"])
def test_a_fraction_of_what_has_none_is_malformed(currency: str) -> None:
    with pytest.raises(Malformed):
        read_money({"sum": 505, "currency": currency}, "sum", Malformed)


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        *((status, Rejected) for status in (400, 401, 402, 403, 404)),
        *((status, Unreachable) for status in (409, 424, 429, 500, 504)),
    ],
)
def test_each_http_status_has_its_meaning(
    api: responses.RequestsMock, status: int, problem: type[Exception]
) -> None:
    """docs.stripe.com/api/errors: what was not done for now may be sent again."""
    api.post(f"{API}/v1/checkout/sessions", json=fixture("error.json"), status=status)

    with pytest.raises(problem) as raised:
        stripe.start_checkout(ACCOUNT, replace(PAYMENT, provider_reference=None), URLS)

    assert "No such checkout.session" in str(raised.value)
    assert "resource" not in getattr(raised.value, "shopper", "")
