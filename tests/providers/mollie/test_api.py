"""How Mollie is called, and what each HTTP status means."""

import pytest
import responses

from providers import mollie
from providers.contract import ReferenceTaken, Rejected, Unreachable

from ..contract import URLS
from .case import ACCOUNT, API, ID, PAYMENT, fixture


@pytest.mark.parametrize("status", [401, 403, 404, 410, 422])
def test_what_mollie_refuses_would_be_refused_again(
    api: responses.RequestsMock, status: int
) -> None:
    """handling-errors; the texts have changed over the years and are for the log only."""
    api.post(API, json={**fixture("error.json"), "status": status}, status=status)

    with pytest.raises(Rejected, match=r"higher than the maximum \(amount\)") as refused:
        mollie.start_checkout(ACCOUNT, PAYMENT, URLS)

    assert refused.value.shopper.startswith("Mollie cannot take this payment. Nothing was charged.")
    assert ACCOUNT.api_key not in str(refused.value)


def test_a_key_that_was_used_with_another_payload_asks_for_a_new_reference(
    api: responses.RequestsMock,
) -> None:
    """api-idempotency: 400."""
    api.post(API, json={"detail": "This Idempotency-Key has already been used."}, status=400)

    with pytest.raises(ReferenceTaken):
        mollie.start_checkout(ACCOUNT, PAYMENT, URLS)


@pytest.mark.parametrize("status", [409, 429, 500, 504])
def test_what_passes_by_itself_is_no_answer(api: responses.RequestsMock, status: int) -> None:
    """409: the first call with this key is still under way."""
    api.post(API, json={"detail": "Please slow down."}, status=status)

    with pytest.raises(Unreachable):
        mollie.start_checkout(ACCOUNT, PAYMENT, URLS)


def test_a_payment_that_mollie_does_not_know_is_gone(api: responses.RequestsMock) -> None:
    api.get(f"{API}/{ID}", json={"detail": "No payment exists with token tr_1."}, status=404)

    with pytest.raises(Rejected):
        mollie.fetch_payment(ACCOUNT, PAYMENT)
