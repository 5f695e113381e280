"""How Stripe is called, and what its answers mean."""

from dataclasses import replace

import pytest
import responses

from providers import stripe
from providers.contract import Rejected, Unreachable

from ..contract import URLS
from .case import ACCOUNT, API, PAYMENT, fixture


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
