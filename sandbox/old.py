"""Providers that do not stand in a folder yet."""

from typing import Annotated, Any, Literal, cast

from flask import current_app
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from .settings import Settings


class OldSettings(Settings):
    wipay_account_number: str = Field(
        "1234567890", description="The merchant that calls WiPay; WiPay's public test account."
    )
    wipay_api_key: SecretStr = Field(
        SecretStr("123"),
        description="Makes the hash of WiPay's return; the public test account's key.",
    )
    wipay_country_code: Literal["BB", "GD", "GY", "JM", "TT"] = Field(
        "TT", description="Country of the WiPay account: decides WiPay's fee."
    )
    wipay_wapi_key: SecretStr = Field(
        SecretStr("wapi_test_kiln_and_kettle"),
        description="X-WAPI-Key of look-ups, refunds and saved cards at WiPay.",
    )
    wipay_webhook_secret: SecretStr = Field(
        SecretStr("wipay_webhook_test_kiln_and_kettle"),
        description="Signs WiPay's webhooks; of a comma-separated list, the first. Blank: no "
        "endpoint is registered, and the return is all there is.",
    )
    wipay_webhook_url: str = Field(
        default_factory=lambda settings: f"{settings['base_url']}/webhooks/wipay",
        description="Where WiPay's webhooks go, as registered on the merchant account.",
    )
    sandbox_wipay_signs: Literal["body", "timestamp.body"] = Field(
        "body",
        description="WiPay's webhook page signs the raw body, a review of its API time stamp, dot "
        "and body; we chose the body.",
    )
    sandbox_wipay_fee_plan: Literal["free", "paid"] = Field(
        "free", description="The plan of the WiPay account: decides WiPay's fee."
    )
    sandbox_wipay_currencies: Annotated[tuple[str, ...], NoDecode] = Field(
        ("TTD", "USD"), description="What WiPay takes in TT. Two decimals each."
    )
    sandbox_wipay_timeout_status: Literal["error", "failed"] = Field(
        "error",
        description="How a transaction ends that nobody paid in time is not documented; we chose "
        "error.",
    )

    sandbox_wipay_recovery_minutes: float = Field(
        30,
        ge=0,
        description="An outcome that WiPay did not learn at once is looked for when the "
        "transaction is 30 to 240 minutes old; we chose 30, in sandbox time.",
    )
    sandbox_wipay_refunds: Literal["granted", "rejected", "by_hand"] = Field(
        "granted",
        description="What becomes of a refund request that nobody decides on WiPay's dashboard.",
    )
    sandbox_wipay_refund_seconds: float = Field(
        20, ge=0, description="After how many sandbox seconds."
    )
    sandbox_wipay_balance: Literal["enough", "short"] = Field(
        "enough", description="Whether the WiPay account holds enough money for a refund."
    )
    sandbox_wipay_wrong_amount: Literal["delete", "keep"] = Field(
        "delete",
        description="What a wrong amount does to a card that is to be verified: WAPI 2.0.2 says it "
        "is deleted, 2.0.0 does not; we chose delete.",
    )
    sandbox_wipay_verify_hours: float = Field(
        72, gt=0, description="How long a card can be verified is not documented; we chose 3 days."
    )
    sandbox_wipay_card_shape: Literal["object", "array"] = Field(
        "object",
        description="One card looked up at WiPay is an object in WAPI 2.0.2, an array in 2.0.0; we "
        "chose the object. An unknown one is an empty array in both.",
    )

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

    @field_validator(
        "sandbox_wipay_currencies",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(value.replace(" ", "").split(",")) if isinstance(value, str) else value


def settings() -> OldSettings:
    return cast(OldSettings, current_app.config["SANDBOX"])
