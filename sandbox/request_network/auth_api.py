"""The Auth API's calls that register webhooks (api-reference/webhooks), under a Client ID."""

import secrets
from functools import partial
from typing import Any

from .. import deliveries
from ..clock import timestamp
from ..kit import Refused, commit, endpoints, is_web_address
from ..kit.fields import in_turn, must
from ..kit.webhooks import json_bytes
from ..models import Endpoint, db
from . import authenticate, provider, rules
from .transfers import ulid
from .webhooks import headers, registered

#: ``eventType`` of a test delivery, in version 0.14.0 of its spec.
TESTS = (
    *("payment.confirmed", "payment.partial", "payment.failed", "payment.refunded"),
    *("payment.processing", "request.recurring", "compliance.updated", "payment_detail.updated"),
    *("secure_payment.user_event", "secure_payment.access_rejected"),
    *("kyt.screening.completed", "client_id.linked"),
)
CLIENT = {
    "clientId": must(
        lambda it: it == provider.settings.request_network_client_id, "Unknown client ID"
    )
}
WEBHOOK = CLIENT | {
    "url!": in_turn(
        rules.REQUIRED,
        must(is_web_address, "Invalid URL"),
        must(endpoints.is_deliverable, "The URL must start with https://"),
    )
}
TEST = CLIENT | {"eventType!": TESTS}

auth_api = provider.blueprint("auth_api", "/v1/webhook", partial(authenticate, "x-client-id"))


@auth_api.post("")
def register() -> tuple[dict[str, Any], int]:
    """Register an address. Only this answer holds its secret. Errors: 400, 401."""
    url = rules.payload_like(WEBHOOK)["url"]
    if any(each.url == url for each in registered()):
        raise Refused(400, "Webhook already exists")
    secret = secrets.token_hex(32)
    made = endpoints.register("request_network", ulid(), url, secret, active=True)
    commit()
    return {"id": made.reference, "secret": secret}, 201


@auth_api.get("")
def list_them() -> list[dict[str, Any]]:
    """All of them, the dashboard's included; without a secret. Errors: 401."""
    return [_shown(each) for each in registered()]


@auth_api.put("/<reference>")
def toggle(reference: str) -> dict[str, Any]:
    """Switch one off, or on again. Errors: 401, 404."""
    endpoint = _found(reference)
    endpoint.details["active"] = not endpoint.details["active"]
    db.session.add(endpoint)
    commit()
    return _shown(endpoint)


@auth_api.delete("/<reference>")
def delete(reference: str) -> dict[str, Any]:
    """Errors: 401, 404."""
    endpoint = _found(reference)
    endpoints.delete(endpoint)
    commit()
    return _shown(endpoint)


@auth_api.post("/test")
def send_test() -> tuple[dict[str, Any], int]:
    """Send made-up values to all that are active, once, at once. Errors: 400, 401, 404."""
    event = rules.payload_like(TEST)["eventType"]
    active = [each for each in registered() if each.details["active"]]
    if not active:
        raise Refused(404, "No active webhook")
    body = json_bytes(_made_up(event))
    # Read before the first is sent, which ends the transaction.
    for url, secret in [(each.url, each.secret) for each in active]:
        deliveries.post(url, headers(secret, body) | {"x-request-network-test": "true"}, body)
    return {}, 201


def _made_up(event: str) -> dict[str, Any]:
    """Placeholders: some events are about no request."""
    said = {"event": event, "timestamp": timestamp("seconds")}
    if event.startswith("payment."):
        amounts = dict.fromkeys(("amount", "totalAmountPaid", "expectedAmount"), "100.0")
        request_id = "req_test123456789abcdef"
        said |= {"requestId": request_id, "requestID": request_id, "currency": "USDC", **amounts}
    return said


def _found(reference: str) -> Endpoint:
    """:raise Refused: 404."""
    found = next((each for each in registered() if each.reference == reference), None)
    if found is None:
        raise Refused(404, "Webhook not found")
    return found


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.reference,
        "url": endpoint.url,
        "isActive": endpoint.details["active"],
        "createdAt": endpoint.created_at,
    }
