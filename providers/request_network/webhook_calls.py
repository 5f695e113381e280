"""Request Network's Auth API, by which a webhook is registered (api-reference/webhooks).

A webhook belongs to the Client ID that registers it, and hears of the links that this one makes.
"""

from dataclasses import replace
from typing import Any

from ..contract import Unreachable
from ..http import answer, failure
from ..optional import Registration
from ..settings import SettingsError
from ..text import usable_id
from .api import ERRORS, Account, send
from .settings import API, Settings, caller

PATH = "/v1/webhook"
SETTING = "request_network_webhook_secret"
#: The API's address -> that of its Auth API. The sandbox has both at one.
AUTH = {API["live"]: "https://auth.request.network"}


def find_webhooks(settings: Settings, url: str) -> list[Registration]:
    """``GET /v1/webhook``: those that are active. One page says that the secret is told once.

    :raise SettingsError, ProviderError: see ``RegistersWebhooks``.
    """
    listed = _listed(_auth(settings), url)
    return [_registration(each) for each in listed if each.get("isActive") is not False]


def register_webhook(settings: Settings, url: str) -> Registration:
    """``POST /v1/webhook``; the answer holds the secret. There is no choice of events.

    One that was switched off would have the call refused, as the address exists: it is deleted.

    :raise SettingsError, ProviderError: see ``RegistersWebhooks``.
    """
    auth = _auth(settings)
    for each in _listed(auth, url):
        if each.get("isActive") is False:
            delete_webhook(settings, _registration(each).id)
    reply, words = send(auth, "POST", PATH, {"url": url})
    made = _registration(answer(reply, ERRORS, words))
    if made.secret is None:
        raise Unreachable(f"POST {PATH}: the answer holds no secret")
    return made


def delete_webhook(settings: Settings, webhook_id: str) -> None:
    """``DELETE /v1/webhook/{id}``; one that is gone already is fine.

    :raise SettingsError, ProviderError: see ``RegistersWebhooks``.
    """
    reply, words = send(_auth(settings), "DELETE", f"{PATH}/{webhook_id}")
    if reply.status != 404:
        answer(reply, ERRORS, words, may_be_empty=True)


def _auth(settings: Settings) -> Account:
    """The account as the Auth API is called: an API key alone opens nothing there.

    :raise SettingsError: no Client ID is set.
    """
    account = caller(settings)
    if not account.client_id:
        raise SettingsError(
            "REQUEST_NETWORK_CLIENT_ID is not set: a webhook belongs to the Client ID that makes "
            "the payments"
        )
    return replace(account, base_url=AUTH.get(account.base_url, account.base_url))


def _listed(auth: Account, url: str) -> list[dict[str, Any]]:
    """What is registered for this very address, active or not."""
    reply, words = send(auth, "GET", PATH)
    found = reply.data
    if reply.ok and isinstance(found, list) and all(isinstance(each, dict) for each in found):
        return [each for each in found if each.get("url") == url]
    raise failure(reply, ERRORS, words)


def _registration(found: dict[str, Any]) -> Registration:
    secret = found.get("secret")
    told = secret if isinstance(secret, str) and secret else None
    return Registration(usable_id(found, "id", Unreachable), SETTING, told)
