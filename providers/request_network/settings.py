"""Request Network's settings: where to find each, what must be there, and the account they make."""

import logging
from typing import Annotated

from pydantic import Field, SecretStr

from ..settings import (
    BY_DASHBOARD,
    TWO_AT_A_TIME,
    ProviderSettings,
    SandboxKey,
    SettingsError,
    Summary,
    Words,
)
from .api import Account
from .destination import warnings

API = dict.fromkeys(("test", "live"), "https://api.request.network")
LIVE_APIS = (API["live"],)
#: Where its payment pages are, by the API's address.
PAGES = {API["live"]: ("https://pay.request.network", "https://secure.request.network")}

NEEDS = (
    ("request_network_api_key", "request_network_client_id"),
    ("request_network_webhook_secret",),
)

log = logging.getLogger(__name__)

SUMMARY = Summary(
    proven_by="webhook",
    signed="HMAC-SHA256 over the raw body",
    amount="sum so far, may be partial",
    truth="`GET /v2/request/{id}`",
    ways="page; in part; one request for each line with `REQUEST_NETWORK_ITEMIZED=true`",
    refunds="none by API",
    left_page="asked about before the shopper goes back: closed → a fresh link, paid → the truth",
    webhook="by a command, under the Client ID that makes the payments; in the dashboard, too",
    repeats="**for 21 seconds only**: after 1, 5 and 15",
)


class Settings(ProviderSettings):
    request_network_base_url: str = Field(
        "",
        description="Default: the sandbox, or https://api.request.network (there is no test "
        "system: use a Sepolia token)",
    )
    request_network_api_key: Annotated[SecretStr | None, BY_DASHBOARD] = Field(
        None, description="Dashboard: an API key; or a Client ID instead"
    )
    request_network_client_id: Annotated[str | None, SandboxKey("cli_test_kiln_and_kettle")] = (
        Field(
            None, description="Dashboard: a Client ID (cli_…), which goes first when both are set"
        )
    )
    request_network_webhook_secret: Annotated[
        SecretStr | None,
        SandboxKey("6b696c6e2d616e642d6b6574746c652d72657175657374206e6574776f726b21"),
        TWO_AT_A_TIME,
    ] = Field(
        None,
        description="Printed by `flask register-webhook request_network`, and told once: 64 hex "
        "digits, used as text. Two, comma-separated, while one is being replaced",
    )
    request_network_destination_id: str | None = Field(
        None,
        description="Where the money goes: <wallet>@eip155:<chain>#<checksum>:<token>. Blank where "
        "the Client ID has its own",
    )
    request_network_payee: str | None = Field(
        None,
        description="The older form of a destination: a wallet (0x…), with both currencies below",
    )
    request_network_invoice_currency: str | None = Field(
        None, description="Id of the currency that your prices are in: USD, USDC-base …"
    )
    request_network_payment_currency: str | None = Field(
        None, description="Id of the coin that is paid: USDC-base …"
    )
    request_network_itemized: bool = Field(
        False,
        description="true: one request for each line of an order, all paid by one link (EVM chains "
        "only, 200 at most)",
    )
    request_network_page_origins: Words = Field(
        (), description="Default: the hosts that Request Network documents"
    )
    request_network_currencies: Words = Field(
        ("USD",), description="Prices that the destination's stablecoin stands for, one to one"
    )


def account(settings: Settings) -> Account | None:
    """An odd checksum of the destination is only logged: it may be right."""
    keys = map(settings.value, NEEDS[0])
    if not (any(keys) and settings.values("request_network_webhook_secret")):
        return None
    found = caller(settings)
    for sentence in warnings(found):
        log.warning("%s", sentence)
    return found


def caller(settings: Settings) -> Account:
    """An account that may be called, also while no secret is set that proves its webhooks.

    :raise SettingsError: what does not fit, by its name.
    """
    client_id = settings.value("request_network_client_id")
    base_url = settings.api("request_network", API)
    try:
        return Account(
            base_url=base_url,
            environment="live" if settings.environment == "live" else "test",
            origins=settings.origins("request_network", base_url, PAGES),
            currencies=settings.request_network_currencies,
            api_key="" if client_id else settings.value("request_network_api_key"),
            client_id=client_id,
            webhook_secrets=settings.values("request_network_webhook_secret"),
            destination_id=settings.value("request_network_destination_id"),
            payee=settings.value("request_network_payee"),
            invoice_currency=settings.value("request_network_invoice_currency"),
            payment_currency=settings.value("request_network_payment_currency"),
            itemized=settings.request_network_itemized,
        )
    except ValueError as error:
        raise SettingsError(str(error)) from None
