"""HitPay's calls that register webhooks of version 2 (openapi.json, apis/guide/events)."""

import secrets
import uuid
from datetime import datetime
from typing import Any

from ..kit import commit, endpoints, is_text, is_web_address
from ..kit.fields import in_turn, is_given, must
from ..models import Endpoint, db
from . import api, unknown
from .endpoints import EVENTS, registered
from .fields import problems, sent, wrong
from .shapes import BUSINESS, singapore_time


def _are_events(value: Any) -> bool:
    return isinstance(value, list) and all(EVENTS.fullmatch(str(each)) for each in value)


FIELDS = {
    "name!": in_turn(
        must(is_given, "The name field is required."), must(is_text, "The name is invalid.")
    ),
    "url!": in_turn(
        must(is_given, "The url field is required."),
        must(is_web_address, "The url must be a valid URL."),
        must(endpoints.is_deliverable, "The url must start with https://."),
    ),
    "event_types!": in_turn(
        must(lambda it: it not in (None, "", []), "The event types field is required."),
        must(_are_events, "The selected event types is invalid."),
    ),
}


@api.post("/webhook-events")
def register() -> tuple[dict[str, Any], int]:
    """Register an address. Only this answer holds its salt. Errors: 401, 422."""
    wanted = _wanted()
    salt = secrets.token_hex(32)
    made = endpoints.register("hitpay", str(uuid.uuid4()), wanted.pop("url"), salt, **wanted)
    commit()
    return _shown(made) | {"salt": salt}, 201


@api.get("/webhook-events")
def list_them() -> list[dict[str, Any]]:
    """All of them, the dashboard's included; without a salt. Errors: 401."""
    return [_shown(each) for each in registered()]


@api.get("/webhook-events/<reference>")
def get(reference: str) -> dict[str, Any]:
    """One of them. Errors: 401, 404."""
    return _shown(_found(reference))


@api.put("/webhook-events/<reference>")
def change(reference: str) -> dict[str, Any]:
    """Another name, address or choice of events; the salt stays. Errors: 401, 404, 422."""
    endpoint, wanted = _found(reference), _wanted()
    endpoint.url = wanted.pop("url")
    endpoint.details |= wanted
    db.session.add(endpoint)
    commit()
    return _shown(endpoint)


@api.delete("/webhook-events/<reference>")
def delete(reference: str) -> tuple[str, int]:
    """Errors: 401, 404."""
    endpoints.delete(_found(reference))
    commit()
    return "", 204


def _wanted() -> dict[str, Any]:
    """The name, the address and the events that were sent.

    :raise Refused: 422, with a sentence for each field that is wrong.
    """
    fields = sent()
    if errors := problems(fields, FIELDS):
        raise wrong(errors)
    return {name: fields[name] for name in ("url", "name", "event_types")}


def _found(reference: str) -> Endpoint:
    """:raise Refused: 404."""
    found = next((each for each in registered() if each.reference == reference), None)
    if found is None:
        raise unknown("Webhook", reference)
    return found


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    made = singapore_time(datetime.fromisoformat(endpoint.created_at)).isoformat("T", "seconds")
    return {
        "id": endpoint.reference,
        "business_id": BUSINESS,
        "name": endpoint.details["name"],
        "url": endpoint.url,
        "event_types": endpoint.details["event_types"],
        "created_at": made,
        "updated_at": made,
    }
