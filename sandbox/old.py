"""Providers that do not stand in a folder yet."""

from typing import Literal, cast

from flask import current_app
from pydantic import Field, SecretStr

from .settings import Settings


class OldSettings(Settings):
    request_network_api_key: SecretStr = Field(
        SecretStr("rn_test_kiln_and_kettle"), description="x-api-key of calls to Request Network."
    )
    request_network_client_id: str = Field(
        "cli_test_kiln_and_kettle",
        description="x-client-id of calls to Request Network, as another way to sign in.",
    )
    request_network_destination_id: str = Field(
        "",
        description="Where Request Network sends the money; another destination in a call is "
        "refused. Blank: USDC on Base.",
    )
    request_network_webhook_secret: SecretStr = Field(
        SecretStr("6b696c6e2d616e642d6b6574746c652d72657175657374206e6574776f726b21"),
        description="Signs Request Network's webhooks, as the text that it is; of a "
        "comma-separated list, the first.",
    )
    sandbox_request_network_page_keys: Literal["client_id", "both"] = Field(
        "client_id",
        description="Request Network's reference wants a Client ID for GET "
        "/v2/secure-payments/<token>, older pages show it with an API key; we chose the former. "
        "both: either will do.",
    )
    sandbox_request_network_payee_form: Literal["refused", "accepted", "ignored"] = Field(
        "refused",
        description="Request Network's guide names payee, invoiceCurrency and paymentCurrency in a "
        "request, its reference does not know them; we chose to refuse them. ignored: they are "
        "taken, and the money goes to the configured destination.",
    )
    request_network_webhook_url: str = Field(
        default_factory=lambda settings: f"{settings['base_url']}/webhooks/request_network",
        description="Where Request Network's webhooks go, as registered for the key.",
    )


def settings() -> OldSettings:
    return cast(OldSettings, current_app.config["SANDBOX"])
