"""Where HitPay's webhooks of version 2 go, and which of them (apis/guide/events)."""

import re
import uuid

from pydantic import SecretStr

from ..kit import endpoints, settings_as
from ..models import Endpoint
from .settings import HitPaySettings

#: The documented events; of those in the second line no shop needs any, so only their kind is told.
EVENTS = re.compile(
    r"payment_request\.(completed|failed)|charge\.(created|updated|failed)"
    r"|(order|invoice|payout|transfer|recurring_billing)\.[a-z_]{1,40}"
)
#: What the dashboard's endpoint is sent.
USUAL = ("payment_request.completed", "payment_request.failed", "charge.updated")


def first_salt(salts: SecretStr) -> str:
    """Of several, with a comma and a space between, the first; a salt may hold commas itself."""
    return re.split(r",\s+", salts.get_secret_value().strip())[0]


def registered() -> list[Endpoint]:
    ours = settings_as(HitPaySettings)
    dashboard = endpoints.preset(
        "hitpay",
        str(uuid.uuid5(uuid.NAMESPACE_URL, "dashboard")),
        ours.hitpay_webhook_url,
        first_salt(ours.hitpay_webhook_salt),
        name="Made in the dashboard",
        event_types=list(USUAL),
    )
    return endpoints.registered(dashboard)


def told(event: str) -> list[Endpoint]:
    """Those that are sent this event."""
    return [each for each in registered() if event in each.details["event_types"]]
