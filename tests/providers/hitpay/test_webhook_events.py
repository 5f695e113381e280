"""HitPay's endpoints: found by their address, registered, deleted."""

from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
import responses

from providers import hitpay
from providers.contract import ProviderError, Rejected, Unreachable
from providers.hitpay.settings import Settings
from providers.optional import Registration
from providers.settings import SettingsError

from .case import KEY

API = "https://api.sandbox.hit-pay.com/v1/webhook-events"
URL = "https://shop.example.org/webhooks/hitpay"
SALT = "salt-of-the-new-endpoint"
ENDPOINT = {
    "id": "9ef68e2e-3569-4f69-9f68-04c7e4bb007c",
    "business_id": "9ef68e2e-3569-4f69-9f68-000000000000",
    "name": "Kiln & Kettle",
    "url": URL,
    "event_types": ["payment_request.completed"],
    "created_at": "2026-05-21T16:57:25+08:00",
    "updated_at": "2026-05-21T16:57:25+08:00",
}
MISSING = {"message": "No query results for model [App\\Business\\Webhook] 1"}


def settings(**changes: Any) -> Settings:
    """Before any salt is known."""
    return Settings(**{"payment_environment": "test", "hitpay_api_key": KEY, **changes})


def found(salt: str | None = None) -> Registration:
    return Registration(ENDPOINT["id"], "hitpay_webhook_salt", salt)  # type: ignore[arg-type]


def events_of(call: Any) -> list[str]:
    return [value for name, value in parse_qsl(call.request.body) if name == "event_types[]"]


def test_an_endpoint_is_found_by_its_exact_address(api: responses.RequestsMock) -> None:
    others = [f"{URL}/", f"{URL}2", "https://shop.example.org/webhooks/other"]
    api.get(API, json=[*(ENDPOINT | {"id": "x", "url": each} for each in others), ENDPOINT])

    assert hitpay.find_webhooks(settings(), URL) == [found()]
    assert api.calls[0].request.headers["X-BUSINESS-API-KEY"] == KEY


def test_a_salt_that_is_listed_is_read(api: responses.RequestsMock) -> None:
    api.get(API, json=[ENDPOINT | {"salt": SALT}])

    assert hitpay.find_webhooks(settings(), URL)[0].secret == SALT


def test_an_endpoint_is_registered_for_what_the_shop_reads(api: responses.RequestsMock) -> None:
    api.post(API, json=ENDPOINT | {"salt": SALT}, status=201)

    assert hitpay.register_webhook(settings(), URL) == found(SALT)
    assert events_of(api.calls[0]) == [
        *("payment_request.completed", "payment_request.failed", "charge.updated")
    ]
    assert dict(parse_qsl(str(api.calls[0].request.body)))["url"] == URL


def test_where_requests_have_no_events_their_charges_have(api: responses.RequestsMock) -> None:
    """openapi.json does not list payment_request.*, guide/events does."""
    wrong = "The selected event types is invalid."
    refusal = {"message": wrong, "errors": {"event_types": [wrong]}}
    api.post(API, json=refusal, status=422)
    api.post(API, json=ENDPOINT | {"salt": SALT}, status=201)

    assert hitpay.register_webhook(settings(), URL) == found(SALT)
    assert events_of(api.calls[1]) == ["charge.created", "charge.updated"]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"json": {"message": "x", "errors": {"url": ["x"]}}, "status": 422}, Rejected),
        ({"json": {"message": "Invalid Business API Key"}, "status": 401}, Rejected),
        ({"json": {}, "status": 500}, Unreachable),
        ({"json": {"salt": SALT}, "status": 201}, Unreachable),
        ({"json": ENDPOINT | {"salt": "two words"}, "status": 201}, Unreachable),
        ({"body": requests.ReadTimeout()}, Unreachable),
    ],
)
def test_a_registration_is_asked_for_once(
    api: responses.RequestsMock, answer: dict[str, Any], problem: type[ProviderError]
) -> None:
    """A second one would have a salt of its own, that no setting holds."""
    api.post(API, **answer)

    with pytest.raises(problem):
        hitpay.register_webhook(settings(), URL)

    assert len(api.calls) == 1


@pytest.mark.parametrize("body", [{"data": []}, ["x"], [None], "none", None])
def test_what_is_no_list_of_endpoints_is_no_answer(api: responses.RequestsMock, body: Any) -> None:
    api.get(API, json=body)

    with pytest.raises(Unreachable):
        hitpay.find_webhooks(settings(), URL)


@pytest.mark.parametrize(
    "answer",
    [{"body": "", "status": 204}, {"json": {"success": True}}, {"json": MISSING, "status": 404}],
)
def test_an_endpoint_is_deleted_whichever_answer_says_so(
    api: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    api.delete(f"{API}/{ENDPOINT['id']}", **answer)

    hitpay.delete_webhook(settings(), str(ENDPOINT["id"]))

    assert len(api.calls) == 1


def test_without_a_key_nothing_is_asked() -> None:
    with pytest.raises(SettingsError, match="HITPAY_API_KEY is not set"):
        hitpay.find_webhooks(settings(hitpay_api_key=None), URL)
