"""Request Network's Auth API: webhooks are registered, listed, switched off, tested, deleted."""

import json
import re
from typing import Any

import pytest

from sandbox.kit import hmac_sha256

from ..driver import Receiver, Reply, RequestNetwork
from .test_page import paid

SHOP = "https://shop.example/webhooks/request_network"


def call(request_network: RequestNetwork, method: str, path: str = "", **options: Any) -> Reply:
    options.setdefault("headers", RequestNetwork.KEYS)
    address = f"/request_network/v1/webhook{path}"
    return request_network.app.test_client().open(address, method=method, **options)


def register(request_network: RequestNetwork, url: str) -> dict[str, Any]:
    reply = call(request_network, "POST", json={"url": url})
    assert reply.status_code == 201, reply.text
    return dict(reply.json)


def test_the_secret_is_told_once(request_network: RequestNetwork) -> None:
    made = register(request_network, SHOP)

    assert re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", made["id"])
    assert re.fullmatch("[0-9a-f]{64}", made["secret"])
    dashboards, listed = call(request_network, "GET").json
    assert listed == {
        "id": made["id"],
        "url": SHOP,
        "isActive": True,
        "createdAt": listed["createdAt"],
    }
    assert dashboards.keys() == listed.keys()
    assert made["secret"] not in request_network.http.get("/").text


def test_what_is_registered_is_told_with_its_own_secret(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    (dashboards,) = call(request_network, "GET").json
    call(request_network, "DELETE", f"/{dashboards['id']}")
    secrets = {register(request_network, f"{shop.url}/{each}")["secret"] for each in "ab"}

    paid(request_network)

    assert len(shop.received) == 2
    signatures = {each.headers["x-request-network-signature"] for each in shop.received}
    assert signatures == {
        hmac_sha256(secret, each.body)
        for each in shop.received
        for secret in secrets
        if hmac_sha256(secret, each.body) == each.headers["x-request-network-signature"]
    }
    assert len(signatures) == 2
    assert len({each.headers["x-request-network-delivery"] for each in shop.received}) == 2


def test_one_that_is_switched_off_is_told_nothing(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    (dashboards,) = call(request_network, "GET").json
    path = f"/{dashboards['id']}"

    off = call(request_network, "PUT", path).json
    paid(request_network)
    silent = [*shop.events]
    on = call(request_network, "PUT", path).json
    paid(request_network)

    assert (off["isActive"], on["isActive"], silent) == (False, True, [])
    assert shop.events == ["payment.confirmed"]


def test_one_that_is_deleted_is_gone(request_network: RequestNetwork, shop: Receiver) -> None:
    (dashboards,) = call(request_network, "GET").json
    path = f"/{dashboards['id']}"

    assert call(request_network, "DELETE", path).status_code == 200
    paid(request_network)

    assert (call(request_network, "GET").json, shop.events) == ([], [])
    assert call(request_network, "DELETE", path).status_code == 404
    assert call(request_network, "PUT", path).status_code == 404
    register(request_network, dashboards["url"])  # the address is free again


def test_a_test_delivery_is_marked_signed_and_changes_nothing(
    request_network: RequestNetwork, shop: Receiver
) -> None:
    request_network.payment()

    reply = call(request_network, "POST", "/test", json={"eventType": "payment.confirmed"})

    assert reply.status_code == 201
    (webhook,) = shop.received
    assert webhook.headers["x-request-network-test"] == "true"
    assert webhook.event["event"] == "payment.confirmed"
    secret = request_network.app.config["SANDBOX"].request_network_webhook_secret
    signature = hmac_sha256(secret.get_secret_value(), webhook.body)
    assert webhook.headers["x-request-network-signature"] == signature


@pytest.mark.parametrize("answer", [(500, ""), (302, "")])
def test_a_test_delivery_that_is_refused_is_sent_once(
    request_network: RequestNetwork, shop: Receiver, answer: tuple[int, str]
) -> None:
    shop.answers = [answer]

    reply = call(request_network, "POST", "/test", json={"eventType": "kyt.screening.completed"})
    request_network.set_clock(advance=60)
    request_network.work()

    assert (reply.status_code, len(shop.received)) == (201, 1)


def test_without_an_active_webhook_there_is_nothing_to_test(
    request_network: RequestNetwork,
) -> None:
    (dashboards,) = call(request_network, "GET").json
    call(request_network, "PUT", f"/{dashboards['id']}")

    reply = call(request_network, "POST", "/test", json={"eventType": "payment.confirmed"})

    assert (reply.status_code, reply.json["message"]) == (404, "No active webhook")


@pytest.mark.parametrize("url", ["same", "again"])
def test_an_address_is_registered_once(request_network: RequestNetwork, url: str) -> None:
    """400, as documented: a caller whose answer was lost finds it in the list."""
    known = call(request_network, "GET").json[0]["url"]
    if url == "again":
        register(request_network, known := f"{SHOP}?again")

    reply = call(request_network, "POST", json={"url": known})

    assert (reply.status_code, reply.json["message"]) == (400, "Webhook already exists")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("", {}, "url"),
        ("", {"url": None}, "url"),
        ("", {"url": 7}, "url"),
        ("", {"url": [SHOP]}, "url"),
        ("", {"url": "shop.example"}, "url"),
        ("", {"url": "javascript:alert(1)"}, "url"),
        ("", {"url": "http://shop.example/webhooks"}, "url"),
        ("", {"url": "http://127.0.0.1.shop.example/"}, "url"),
        ("", {"url": "https://user:password@shop.example/"}, "url"),
        ("", {"url": SHOP, "clientId": "cli_of_another"}, "clientId"),
        ("", {"url": SHOP, "events": ["payment.confirmed"]}, "events"),
        ("/test", {}, "eventType"),
        ("/test", {"eventType": None}, "eventType"),
        ("/test", {"eventType": ["payment.confirmed"]}, "eventType"),
        ("/test", {"eventType": "payment.confirmed.client_id"}, "eventType"),
    ],
)
def test_a_call_that_breaks_a_rule_is_refused(
    request_network: RequestNetwork, shop: Receiver, path: str, body: dict[str, Any], field: str
) -> None:
    reply = call(request_network, "POST", path, json=body)

    assert reply.status_code == 400
    assert [each["path"] for each in reply.json["message"]] == [[field]]
    assert (len(call(request_network, "GET").json), shop.events) == (1, [])


@pytest.mark.parametrize("path", ["", "/test"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"https://shop.example"'])
def test_a_body_that_is_no_object_is_refused(
    request_network: RequestNetwork, path: str, body: bytes
) -> None:
    assert call(request_network, "POST", path, data=body).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no_key"),
        pytest.param({"x-client-id": "cli_of_another"}, id="unknown_client_id"),
        pytest.param({"x-api-key": "rn_test_kiln_and_kettle"}, id="api_key_alone"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ""), ("GET", ""), ("PUT", "/any"), ("DELETE", "/any"), ("POST", "/test")],
)
def test_calls_without_the_client_id_are_refused(
    request_network: RequestNetwork, method: str, path: str, headers: dict[str, str]
) -> None:
    reply = call(request_network, method, path, headers=headers, data=json.dumps({"url": SHOP}))

    assert reply.status_code == 401
