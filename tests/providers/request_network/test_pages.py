"""Pages of Request Network that were made before: gone back to, and closed."""

from dataclasses import replace
from typing import Any

import pytest
import responses

from providers import request_network
from providers.contract import (
    Rejected,
    Unreachable,
)

from ..contract import URLS
from .case import (
    ACCOUNT,
    CREATE,
    PAGE,
    PAYMENT,
    TOKEN,
    fixture,
)

CLIENT = replace(ACCOUNT, api_key="", client_id="cli_1")


MADE = replace(PAYMENT, page_token=TOKEN)


@pytest.mark.parametrize(
    ("status", "found"),
    [(200, "open"), (403, "closed"), (404, "closed"), (409, "done"), (423, "done")],
)
@pytest.mark.parametrize("account", [ACCOUNT, CLIENT])
def test_the_page_is_asked_before_a_shopper_is_sent_there_again(
    api: responses.RequestsMock, account: Any, status: int, found: str
) -> None:
    api.get(PAGE, json={"message": "as it is"}, status=status)

    assert request_network.resume_checkout(account, MADE, URLS) == found

    sent = api.calls[0].request.headers
    assert sent.get("x-client-id") == (account.client_id or None)


def test_an_api_key_may_not_be_told(api: responses.RequestsMock) -> None:
    api.get(PAGE, json=fixture("error_text.json"), status=401)

    assert request_network.resume_checkout(ACCOUNT, MADE, URLS) == "open"


def test_a_page_whose_token_we_never_learned_is_taken_for_open() -> None:
    assert request_network.resume_checkout(ACCOUNT, PAYMENT, URLS) == "open"


@pytest.mark.parametrize("token", [None, 1, "", "../request/01", "a" * 101])
def test_a_token_that_cannot_be_is_not_kept(api: responses.RequestsMock, token: object) -> None:
    api.post(CREATE, json=fixture("created.json") | {"token": token}, status=201)

    assert request_network.start_checkout(ACCOUNT, PAYMENT, URLS).page_token is None


@pytest.mark.parametrize(
    ("status", "error"), [(401, Rejected), (400, Rejected), (429, Unreachable), (500, Unreachable)]
)
def test_any_other_answer_says_nothing_about_the_page(
    api: responses.RequestsMock, status: int, error: type[Exception]
) -> None:
    api.get(PAGE, json=fixture("error_text.json"), status=status)

    with pytest.raises(error):
        request_network.resume_checkout(CLIENT, MADE, URLS)


def test_a_page_can_be_paid_on_for_a_week() -> None:
    can = request_network.capabilities(ACCOUNT)

    assert can.page_minutes == can.silent_minutes == 10080
