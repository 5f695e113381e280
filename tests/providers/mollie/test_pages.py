"""A page that the shopper left is closed, where Mollie can."""

from dataclasses import replace

import pytest
import responses

from providers import mollie
from providers.contract import Rejected

from .case import ACCOUNT, API, ID, PAYMENT, fixture


def test_a_page_is_closed_by_its_id(api: responses.RequestsMock) -> None:
    api.delete(f"{API}/{ID}", json={**fixture("created.json"), "status": "canceled"})

    mollie.cancel(ACCOUNT, PAYMENT)

    assert "Idempotency-Key" not in api.calls[0].request.headers


def test_a_page_that_is_not_cancelable_stays_open(api: responses.RequestsMock) -> None:
    """cancel-payment: 422, without a field."""
    api.delete(f"{API}/{ID}", json={"detail": "The payment cannot be cancelled"}, status=422)

    with pytest.raises(Rejected, match="cannot be cancelled"):
        mollie.cancel(ACCOUNT, PAYMENT)


def test_a_page_that_no_shopper_has_needs_no_call(api: responses.RequestsMock) -> None:
    mollie.cancel(ACCOUNT, replace(PAYMENT, provider_reference=None))

    assert len(api.calls) == 0
