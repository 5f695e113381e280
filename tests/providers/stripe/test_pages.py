"""Stripe's pages: left, and closed."""

from dataclasses import replace

import responses

from providers import stripe

from .case import ACCOUNT, API, PAYMENT, SESSION, fixture

FETCH = f"{API}/v1/checkout/sessions/{SESSION}"


def test_only_the_link_back_says_that_the_shopper_left() -> None:
    assert stripe.read_return(ACCOUNT, PAYMENT, {"left": "1"}).status == "canceled"
    assert stripe.read_return(ACCOUNT, PAYMENT, {}).status is None


def test_a_page_is_closed_by_expiring_its_session(api: responses.RequestsMock) -> None:
    """docs.stripe.com/api/checkout/sessions/expire."""
    api.post(f"{FETCH}/expire", json=fixture("created.json") | {"status": "expired"})

    stripe.cancel(ACCOUNT, PAYMENT)
    stripe.cancel(ACCOUNT, replace(PAYMENT, provider_reference=None))

    assert len(api.calls) == 1
