"""HitPay's endpoints for version 2 webhooks, registered by calls.

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07): openapi.json, apis/guide/events.
"""

from contextlib import suppress
from typing import Any

from ..contract import Rejected, Unreachable
from ..optional import Registration
from ..text import usable_id
from .api import Missing, call_api, call_list
from .settings import Settings, caller

PATH = "/v1/webhook-events"
SETTING = "hitpay_webhook_salt"
NAME = "Kiln & Kettle"  # for the dashboard's list
#: Paid, over, and refunded (guide/events).
REQUEST_EVENTS = ("payment_request.completed", "payment_request.failed", "charge.updated")
#: The same where payment_request.* is not to be had: openapi.json does not list it. Each charge
#: that took money has HitPay asked for the totals.
CHARGE_EVENTS = ("charge.created", "charge.updated")


def find_webhooks(settings: Settings, url: str) -> list[Registration]:
    """``GET /v1/webhook-events``: a plain list, in which salts are not documented.

    :raise SettingsError, ProviderError: see ``RegistersWebhooks``.
    """
    listed = call_list(caller(settings), PATH)
    return [_registration(each) for each in listed if each.get("url") == url]


def register_webhook(settings: Settings, url: str) -> Registration:
    """``POST /v1/webhook-events``; the answer holds the salt (hit-pay/odoo-extension).

    :raise SettingsError, ProviderError: see ``RegistersWebhooks``.
    """
    try:
        return _registration(_create(settings, url, REQUEST_EVENTS))
    except Rejected as error:
        if "event_types" not in str(error):
            raise
    return _registration(_create(settings, url, CHARGE_EVENTS))


def delete_webhook(settings: Settings, webhook_id: str) -> None:
    """``DELETE /v1/webhook-events/{id}``; one that is gone already is fine.

    :raise SettingsError, ProviderError: see ``RegistersWebhooks``.
    """
    with suppress(Missing):
        call_api(caller(settings), "DELETE", f"{PATH}/{webhook_id}")


def _create(settings: Settings, url: str, events: tuple[str, ...]) -> dict[str, Any]:
    form = [("name", NAME), ("url", url), *(("event_types[]", each) for each in events)]
    return call_api(caller(settings), "POST", PATH, form)


def _registration(found: dict[str, Any]) -> Registration:
    salt = found.get("salt")
    secret = salt if isinstance(salt, str) and salt else None
    return Registration(usable_id(found, "id", Unreachable), SETTING, secret)
