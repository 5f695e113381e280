"""What is set for HitPay, and the assumptions that no setting changes."""

from typing import Literal

from pydantic import Field, SecretStr

from ..kit import Settings, webhooks_of


class HitPaySettings(Settings):
    hitpay_api_key: SecretStr = Field(
        SecretStr("test_kiln_and_kettle"), description="X-BUSINESS-API-KEY of calls to HitPay."
    )
    hitpay_salt: SecretStr = Field(
        SecretStr("salt_test_kiln_and_kettle"),
        description="The salt of that key: signs HitPay's webhooks of version 1. Of several, with "
        "a comma and a space between, the first.",
    )
    hitpay_webhook_salt: SecretStr = Field(
        SecretStr("webhook_salt_test_kiln_and_kettle"),
        description="The salt of the dashboard's endpoint: signs HitPay's webhooks of version 2. "
        "Of several, with a comma and a space between, the first.",
    )
    hitpay_webhook_url: str = Field(
        default_factory=webhooks_of("hitpay"),
        description="Where HitPay's webhooks of version 2 go, as registered in the dashboard; "
        "those of version 1 go to the “webhook” of each payment request.",
    )
    sandbox_hitpay_webhooks: Literal["v1", "v2", "both"] = Field(
        "both",
        description="The newest guide calls version 1 deprecated, HitPay's own plugins use it, and "
        "both may be on; we chose both.",
    )
    sandbox_hitpay_attempts: int = Field(
        3,
        ge=1,
        description="How many declined cards end a payment request is not documented; we chose "
        "three.",
    )
    sandbox_hitpay_send_declines: bool = Field(
        False,
        description="Whether a decline is told while the page takes another card is not "
        "documented. HitPay's own WooCommerce plugin gives an order up after “failed”, so it "
        "hardly is; set to true, it is told as “failed”.",
    )


ASSUMPTIONS = (
    "The list of currencies is not documented: six with two decimals. Every documented code of a "
    "payment method may be named; when none is, card and PayNow are offered.",
    "A missing or wrong key is answered 401 with the message “Invalid Business API Key”.",
    "A 422 repeats its first field error as the message, as the newer of two examples does.",
    "reference_number may be used again: each call makes another payment request.",
    "PayNow is offered for SGD only, the others for every currency. Amounts have at most two "
    "decimals.",
    "A request that allows repeated payments is “completed” when it was paid, as the newer of two "
    "pages says, and its page takes further payments until it expires; it stays “completed” then. "
    "Any other takes one payment.",
    "expires_after counts minutes, hours or days, and goes before expiry_date, which is taken for "
    "every request; with neither a page never expires.",
    "http:// addresses are accepted for redirect_url and webhook.",
    "send_email, send_sms and metadata are kept and shown, and no mail or message is sent; "
    "address, add_admin_fee and unknown fields are accepted and not used. Direct links are not "
    "offered.",
    "A QR code ends with its request, told as UTC with a Z, and is told once, in the answer that "
    "made it. It can still be paid when the request was deleted.",
    "PUT changes what it names and leaves the rest, metadata included; only a pending request can "
    "be changed, another is answered 422. It answers with the request.",
    "A request that was deleted is kept as “canceled”; only a pending one can be deleted, another "
    "is answered 422.",
    "A list is answered newest first, as data, links and meta; that of charges by cursors that "
    "lead on, not back. The words of account-status are made up.",
    "Refunds succeed at once, several to a charge; what is more than remains, or a charge that is "
    "not paid, is answered 422. A request stays “completed”, its payment says “refunded”.",
    "The drop-in's messages carry only their type, and an error's text; the frame takes the shop "
    "at BASE_URL. Without a payment request it opens the default link's page, where the shopper "
    "confirms the amount; that payment has no reference number, and leads nowhere.",
    "Cancel on the page leads back with status “canceled”; the request stays pending and payable.",
    "A page that ended without success leads back with the request's status.",
    "A declined card is told with an empty payment_id and status “failed”, as in the sample for "
    "terminals.",
    "The dashboard's endpoint is registered for payment_request.completed, .failed and "
    "charge.updated, which is sent for refunds only; expiry and cancel send nothing.",
    "Endpoints registered by API may name every event of guide/events, payment_request included, "
    "which openapi.json leaves out. Each has a salt of its own, told once, in the answer that made "
    "it. They are https, or on this machine; the same address may be registered again, and each "
    "registration is then sent each event. Lists hold the dashboard's, too.",
    "A charge may be in another currency than its request (a bank converts; the rate is made up). "
    "Webhooks of version 1 then name the charge's amount and currency, those of version 2 the "
    "request's, with the charge inside.",
    "A request that is paid can be paid once more by a QR code that was drawn: another charge, "
    "told as completed again. A refund made on the dashboard is told as one by API is.",
    "Any 2xx answer ends a delivery; retries come after 1, 5, 30 and 120 minutes.",
    "A card number that is no test card is refused on the page.",
)
