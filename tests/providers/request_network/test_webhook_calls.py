"""Request Network's webhooks: found by their address, registered, deleted at its Auth API."""

import json
from typing import Any

import pytest
import requests
import responses

from providers import request_network
from providers.contract import ProviderError, Rejected, Unreachable
from providers.optional import Registration
from providers.request_network.settings import Settings
from providers.settings import SettingsError

from .case import SECRET

API = "https://auth.request.network/v1/webhook"
URL = "https://shop.example.org/webhooks/request_network"
ID = "01KJC2WX8EH4MP3DHZB2YQ7N9G"
WEBHOOK = {"id": ID, "url": URL, "isActive": True, "createdAt": "2026-09-17T10:00:00.000Z"}
OFF = WEBHOOK | {"isActive": False}
KNOWN = {"statusCode": 400, "message": "Webhook already exists", "error": "Bad Request"}
UNKNOWN = {"statusCode": 404, "message": "Webhook not found", "error": "Not Found"}


def settings(**changes: Any) -> Settings:
    """Before any secret is known."""
    known = {"payment_environment": "test", "request_network_client_id": "cli_1"}
    return Settings(**{**known, **changes})


def found(secret: str | None = None) -> Registration:
    return Registration(ID, "request_network_webhook_secret", secret)


def test_a_webhook_is_found_by_its_exact_address(api: responses.RequestsMock) -> None:
    others = [f"{URL}/", f"{URL}2", "https://shop.example.org/webhooks/other"]
    api.get(API, json=[*(WEBHOOK | {"id": "x", "url": each} for each in others), WEBHOOK])

    assert request_network.find_webhooks(settings(), URL) == [found()]
    assert api.calls[0].request.headers["x-client-id"] == "cli_1"


def test_a_secret_that_is_listed_is_read(api: responses.RequestsMock) -> None:
    """One page says that it is told once; the list's schema has it."""
    api.get(API, json=[WEBHOOK | {"secret": SECRET}])

    assert request_network.find_webhooks(settings(), URL)[0].secret == SECRET


def test_a_webhook_that_is_switched_off_delivers_nothing(api: responses.RequestsMock) -> None:
    api.get(API, json=[OFF])

    assert request_network.find_webhooks(settings(), URL) == []


def test_a_webhook_is_registered_under_the_client_id(api: responses.RequestsMock) -> None:
    api.get(API, json=[])
    api.post(API, json={"id": ID, "secret": SECRET}, status=201)

    made = request_network.register_webhook(settings(request_network_api_key="rn_key_1"), URL)

    assert made == found(SECRET)
    request = api.calls[1].request
    assert json.loads(request.body or b"") == {"url": URL}
    assert (request.headers["x-client-id"], "x-api-key" in request.headers) == ("cli_1", False)


def test_one_that_is_switched_off_is_replaced(api: responses.RequestsMock) -> None:
    """Its address would be refused as known, and its secret be lost."""
    api.get(API, json=[OFF, WEBHOOK | {"id": "other", "url": "https://other.example"}])
    api.delete(f"{API}/{ID}", json=OFF)
    api.post(API, json={"id": ID, "secret": SECRET}, status=201)

    assert request_network.register_webhook(settings(), URL) == found(SECRET)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"json": KNOWN, "status": 400}, Rejected),
        ({"json": {"message": "Unauthorized"}, "status": 401}, Rejected),
        ({"json": {}, "status": 429}, Unreachable),
        ({"json": {}, "status": 500}, Unreachable),
        ({"json": {"id": ID}, "status": 201}, Unreachable),
        ({"json": {"id": ID, "secret": None}, "status": 201}, Unreachable),
        ({"json": {"secret": SECRET}, "status": 201}, Unreachable),
        ({"json": {"id": 7, "secret": SECRET}, "status": 201}, Unreachable),
        ({"json": {"id": ID, "secret": "two words"}, "status": 201}, Unreachable),
        ({"json": [], "status": 201}, Unreachable),
        ({"body": "", "status": 201}, Unreachable),
        ({"body": requests.ReadTimeout()}, Unreachable),
    ],
)
def test_a_registration_is_asked_for_once(
    api: responses.RequestsMock, answer: dict[str, Any], problem: type[ProviderError]
) -> None:
    """A second one would have a secret of its own, that no setting holds."""
    api.get(API, json=[])
    api.post(API, **answer)

    with pytest.raises(problem):
        request_network.register_webhook(settings(), URL)

    assert [each.request.method for each in api.calls] == ["GET", "POST"]


@pytest.mark.parametrize("body", [{"data": []}, ["x"], [None], "none", None])
def test_what_is_no_list_of_webhooks_is_no_answer(api: responses.RequestsMock, body: Any) -> None:
    api.get(API, json=body)

    with pytest.raises(Unreachable):
        request_network.find_webhooks(settings(), URL)


@pytest.mark.parametrize("webhook_id", [None, 7, "", "../v2", "a b"])
def test_a_webhook_without_a_usable_id_is_no_answer(
    api: responses.RequestsMock, webhook_id: Any
) -> None:
    """It travels in the address of the call that deletes it."""
    api.get(API, json=[WEBHOOK | {"id": webhook_id}])

    with pytest.raises(Unreachable):
        request_network.find_webhooks(settings(), URL)


@pytest.mark.parametrize(
    "answer",
    [{"body": "", "status": 204}, {"json": WEBHOOK}, {"json": UNKNOWN, "status": 404}],
)
def test_a_webhook_is_deleted_whichever_answer_says_so(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    api.delete(f"{API}/{ID}", **answer)

    request_network.delete_webhook(settings(), ID)

    assert len(api.calls) == 1


@pytest.mark.parametrize("keys", [{}, {"request_network_api_key": "rn_key_1"}])
def test_without_a_client_id_nothing_is_asked(keys: dict[str, str]) -> None:
    """With an API key alone, news may never come: a webhook belongs to the Client ID."""
    with pytest.raises(SettingsError, match="REQUEST_NETWORK"):
        request_network.find_webhooks(settings(request_network_client_id=None, **keys), URL)
