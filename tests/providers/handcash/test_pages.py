"""Pages of HandCash that were made before: gone back to, and closed."""

import json
from dataclasses import replace
from typing import Any

import pytest
import requests
import responses

from providers import handcash
from providers.contract import (
    Rejected,
    Unreachable,
    Urls,
)

from ..contract import URLS
from .case import (
    ACCOUNT,
    PAYMENT,
    PRIVATE,
    PUBLIC,
    SECRET,
    fixture,
)


def pending(api: responses.RequestsMock, **changes: Any) -> None:
    """The public answer about a request that is not paid yet."""
    api.get(PUBLIC, json=fixture("public.json") | {"status": "pending"} | changes)


def test_a_page_that_is_gone_back_to_leads_to_where_the_shop_is_now(
    api: responses.RequestsMock,
) -> None:
    """A new tunnel is a new BASE_URL."""
    pending(api)
    api.put(PRIVATE, json=fixture("created.json"))
    urls = Urls("https://new.example/orders/1/return", "https://new.example/webhooks")

    assert handcash.resume_checkout(ACCOUNT, PAYMENT, urls) == "open"

    sent = api.calls[1].request
    assert sent.headers["app-secret"] == SECRET
    assert json.loads(sent.body or "") == {
        "product": {"name": "Order 1", "description": "Payment order-1"},
        "notifications": {
            "webhook": {
                "webhookUrl": "https://new.example/webhooks",
                "customParameters": {"payment": "order-1"},
            }
        },
        "redirectUrl": "https://new.example/orders/1/return",
    }


@pytest.mark.parametrize(
    ("status", "found"),
    [("completed", "done"), ("PAID", "done"), ("expired", "closed"), ("EXPIRED", "closed")],
)
def test_a_page_that_has_ended_is_not_touched(
    api: responses.RequestsMock, status: str, found: str
) -> None:
    pending(api, status=status, transactionId=None)

    assert handcash.resume_checkout(ACCOUNT, PAYMENT, URLS) == found


@pytest.mark.parametrize("status", ["CANCELLED", "new_word", None])
def test_a_word_that_we_do_not_know_ends_nothing(
    api: responses.RequestsMock, status: str | None
) -> None:
    pending(api, status=status)
    api.put(PRIVATE, json=fixture("created.json"))

    assert handcash.resume_checkout(ACCOUNT, PAYMENT, URLS) == "open"


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_request_that_handcash_does_not_know_is_closed(
    api: responses.RequestsMock, status: int
) -> None:
    """Which of them it is, is not documented."""
    api.get(PUBLIC, json={"message": "Payment request not found"}, status=status)

    assert handcash.resume_checkout(ACCOUNT, PAYMENT, URLS) == "closed"


@pytest.mark.parametrize("status", [404, 410])
def test_a_request_that_is_deleted_meanwhile_is_closed(
    api: responses.RequestsMock, status: int
) -> None:
    pending(api)
    api.put(PRIVATE, json={"message": "Payment request not found"}, status=status)

    assert handcash.resume_checkout(ACCOUNT, PAYMENT, URLS) == "closed"


@pytest.mark.parametrize("status", [400, 401, 403, 409])
def test_a_change_that_is_refused_does_not_say_that_the_page_is_closed(
    api: responses.RequestsMock, status: int
) -> None:
    """A second request beside an open one could be paid twice."""
    pending(api)
    api.put(PRIVATE, json=fixture("error.json"), status=status)

    with pytest.raises(Rejected):
        handcash.resume_checkout(ACCOUNT, PAYMENT, URLS)


def test_a_change_is_repeated_when_there_is_no_answer(api: responses.RequestsMock) -> None:
    pending(api)
    api.put(PRIVATE, json={}, status=503)
    api.put(PRIVATE, json=fixture("created.json"))

    assert handcash.resume_checkout(ACCOUNT, PAYMENT, URLS) == "open"


def test_a_request_is_withdrawn_with_our_keys(api: responses.RequestsMock) -> None:
    pending(api)
    api.delete(PRIVATE, body="")

    handcash.cancel(ACCOUNT, PAYMENT)

    sent = api.calls[1].request
    assert (sent.headers["app-id"], sent.headers["app-secret"]) == (ACCOUNT.app_id, SECRET)
    assert sent.body is None


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_request_that_is_gone_already_is_fine(api: responses.RequestsMock, status: int) -> None:
    pending(api)
    api.delete(PRIVATE, json={"message": "Payment request not found"}, status=status)

    handcash.cancel(ACCOUNT, PAYMENT)


def test_what_was_never_made_has_no_page_and_need_not_be_withdrawn() -> None:
    unnamed = replace(PAYMENT, provider_reference=None)

    handcash.cancel(ACCOUNT, unnamed)
    assert handcash.resume_checkout(ACCOUNT, unnamed, URLS) == "closed"


def test_an_unknown_request_need_not_be_withdrawn(api: responses.RequestsMock) -> None:
    api.get(PUBLIC, json={"message": "Payment request not found"}, status=404)

    handcash.cancel(ACCOUNT, PAYMENT)


def test_a_paid_request_is_not_withdrawn(api: responses.RequestsMock) -> None:
    """Its record is what we ask for the truth."""
    pending(api, status="completed")

    with pytest.raises(Rejected, match="is paid"):
        handcash.cancel(ACCOUNT, PAYMENT)


@pytest.mark.parametrize("status", [401, 403, 409, 450])
def test_a_withdrawal_may_be_refused(api: responses.RequestsMock, status: int) -> None:
    pending(api)
    api.delete(PRIVATE, json=fixture("error.json"), status=status)

    with pytest.raises(Rejected):
        handcash.cancel(ACCOUNT, PAYMENT)


@pytest.mark.parametrize("answer", [{"status": 500}, {"body": requests.ReadTimeout()}])
def test_without_an_answer_it_is_unknown_whether_it_is_withdrawn(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    pending(api)
    api.delete(PRIVATE, **answer)

    with pytest.raises(Unreachable):
        handcash.cancel(ACCOUNT, PAYMENT)
