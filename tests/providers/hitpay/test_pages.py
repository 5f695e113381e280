"""Pages of HitPay that were made before: gone back to, and closed."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
import responses

from providers import hitpay
from providers.contract import (
    Customer,
    PaymentRequest,
    ProviderError,
    Rejected,
    Unreachable,
)

from ..contract import URLS
from .case import (
    ACCOUNT,
    API,
    KEY,
    PAYMENT,
    REQUEST_ID,
    fixture,
)
from .reading import BY_QR


def resume(payment: PaymentRequest = PAYMENT) -> str:
    return hitpay.resume_checkout(ACCOUNT, payment, URLS)


def test_an_open_page_is_brought_up_to_date(api: responses.RequestsMock) -> None:
    api.get(f"{API}/{REQUEST_ID}", json=fixture("created.json"))
    api.put(f"{API}/{REQUEST_ID}", body="")
    corrected = replace(PAYMENT, customer=Customer("customer-1", "Ann", "ann@example.org"))

    assert resume(corrected) == "open"

    sent = dict(parse_qsl(str(api.calls[1].request.body), strict_parsing=True))
    assert (sent["email"], sent["webhook"]) == ("ann@example.org", URLS.webhook_url)
    assert (sent["amount"], sent["currency"]) == ("599.00", "SGD")
    assert sent["expires_after"] == "60 mins"


def test_an_open_qr_code_is_left_as_it_was_drawn(api: responses.RequestsMock) -> None:
    api.get(f"{API}/{REQUEST_ID}", json=fixture("created.json"))

    assert resume(BY_QR) == "open"
    assert len(api.calls) == 1


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("completed", "done"),
        ("expired", "closed"),
        ("canceled", "closed"),
        ("failed", "closed"),
        ("inactive", "closed"),
    ],
)
def test_a_page_that_is_over_is_not_gone_back_to(
    api: responses.RequestsMock, word: str, expected: str
) -> None:
    api.get(f"{API}/{REQUEST_ID}", json=fixture("created.json", status=word))

    assert resume() == expected


def test_a_request_that_lags_behind_its_charge_is_done(api: responses.RequestsMock) -> None:
    paid = fixture("created.json", payments=[fixture("payment.json")])
    api.get(f"{API}/{REQUEST_ID}", json=paid)

    assert resume() == "done"


def test_a_page_that_hitpay_does_not_know_is_closed(api: responses.RequestsMock) -> None:
    api.get(f"{API}/{REQUEST_ID}", json={"message": "No query results"}, status=404)

    assert resume() == "closed"


def test_a_page_that_goes_while_it_is_changed_is_closed(api: responses.RequestsMock) -> None:
    api.get(f"{API}/{REQUEST_ID}", json=fixture("created.json"))
    api.put(f"{API}/{REQUEST_ID}", json={"message": "No query results"}, status=404)

    assert resume() == "closed"


def test_a_page_that_was_never_named_is_closed() -> None:
    assert resume(replace(PAYMENT, provider_reference=None)) == "closed"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"json": {}, "status": 500}, Unreachable),
        ({"json": {}, "status": 401}, Rejected),
        (
            {"json": {"id": REQUEST_ID, "status": "new", "amount": "1", "currency": "sgd"}},
            Unreachable,
        ),
        ({"json": {"id": REQUEST_ID}}, Unreachable),
    ],
)
def test_what_is_not_known_of_a_page_is_not_guessed(
    api: responses.RequestsMock, answer: dict[str, Any], problem: type[ProviderError]
) -> None:
    api.get(f"{API}/{REQUEST_ID}", **answer)

    with pytest.raises(problem):
        resume()


def cancel(api: responses.RequestsMock, **answer: Any) -> None:
    api.delete(f"{API}/{REQUEST_ID}", **answer)
    hitpay.cancel(ACCOUNT, PAYMENT)


@pytest.mark.parametrize(
    "answer",
    [
        {"json": {"success": True}},
        {"body": "", "status": 204},
        {"json": {"message": "No query results"}, "status": 404},
    ],
)
def test_a_page_is_closed_whichever_answer_says_so(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    cancel(api, **answer)

    assert api.calls[0].request.headers["X-BUSINESS-API-KEY"] == KEY


@pytest.mark.parametrize(("status", "problem"), [(422, Rejected), (400, Rejected)])
def test_a_page_that_was_paid_cannot_be_closed(
    api: responses.RequestsMock, status: int, problem: type[ProviderError]
) -> None:
    with pytest.raises(problem, match="too late"):
        cancel(api, json={"message": "too late"}, status=status)


def test_whether_a_page_is_closed_may_not_be_known(api: responses.RequestsMock) -> None:
    with pytest.raises(Unreachable):
        cancel(api, body=requests.ReadTimeout())
