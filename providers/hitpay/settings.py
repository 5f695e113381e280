"""HitPay's settings: where to find each, what must be there, and the account they make."""

from typing import Annotated

from pydantic import Field, SecretStr

from ..settings import (
    TWO_AT_A_TIME,
    ProviderSettings,
    Replaced,
    SandboxKey,
    SettingsError,
    Summary,
    Words,
)
from .api import Account

API = {"test": "https://api.sandbox.hit-pay.com", "live": "https://api.hit-pay.com"}
LIVE_APIS = (API["live"],)
#: Where its hosted pages are, by the API's address.
PAGES = {
    API["test"]: (
        "https://securecheckout.sandbox.hit-pay.com",
        "https://checkout.sandbox.hit-pay.com",
    ),
    API["live"]: ("https://securecheckout.hit-pay.com", "https://checkout.hit-pay.com"),
}
#: Where hitpay.js is; the sandbox has it under the API's address.
DROP_IN = {API["test"]: "https://sandbox.hit-pay.com", API["live"]: "https://hit-pay.com"}

NEEDS = (("hitpay_api_key",), ("hitpay_salt", "hitpay_webhook_salt"))

SUMMARY = Summary(
    proven_by="webhook, two kinds",
    signed="HMAC-SHA256 over the raw JSON body, or over sorted form fields; a salt each",
    amount="yes, decimal text",
    truth="`GET /v1/payment-requests/{id}`",
    ways="page; PayNow by QR code on our page, in SGD; the drop-in over our page with "
    "`HITPAY_DROP_IN=true`",
    refunds="in full and in part; it knows no idempotency key, so its total is asked for first",
    left_page="brought up to date (`PUT`), closed when the shopper pays another way (`DELETE`)",
    webhook="not at all: each payment names it; event webhooks by a command, or in the dashboard",
    repeats="some time, not documented",
)


class Settings(ProviderSettings):
    hitpay_base_url: str = Field(
        "",
        description="Default by PAYMENT_ENVIRONMENT: the sandbox, https://api.sandbox.hit-pay.com, "
        "https://api.hit-pay.com",
    )
    hitpay_api_key: Annotated[
        SecretStr | None,
        SandboxKey("test_kiln_and_kettle"),
        Replaced(
            "make the new one in the dashboard, set it and beside the old salt its own, restart, "
            "delete the old one there"
        ),
    ] = Field(
        None,
        description="Dashboard, API keys. A sandbox account is another account, at "
        "dashboard.sandbox.hit-pay.com",
    )
    hitpay_salt: Annotated[
        SecretStr | None, SandboxKey("salt_test_kiln_and_kettle"), TWO_AT_A_TIME
    ] = Field(
        None,
        description="Salt of that key: proves the webhooks of each payment request (version 1). "
        "Two, with a comma and a space between, while one is being replaced",
    )
    hitpay_webhook_salt: Annotated[
        SecretStr | None, SandboxKey("webhook_salt_test_kiln_and_kettle"), TWO_AT_A_TIME
    ] = Field(
        None,
        description="Salt of a webhook endpoint that you register, by `flask register-webhook "
        "hitpay` or in the dashboard: proves event webhooks (version 2). One of the two salts will "
        "do. Two, with a comma and a space between, while one is being replaced",
    )
    hitpay_page_origins: Words = Field((), description="Default: the hosts that HitPay documents")
    hitpay_currencies: Words = Field(
        ("SGD", "USD"),
        description="What your account takes, comma-separated; HitPay publishes no list",
    )
    hitpay_payment_methods: Words = Field(
        (), description="card,paynow_online …; default: all that are enabled on the account"
    )
    hitpay_qr_minutes: int = Field(
        5,
        description="PayNow by a QR code on the shop's own page, where the account takes SGD: how "
        "long a code can be paid",
    )
    hitpay_drop_in: bool = Field(
        False,
        description="true: HitPay's drop-in opens the payment over the shop's page. Best for "
        "PayNow; cards that ask for 3-D Secure, Apple Pay and Google Pay want the page "
        "itself",
    )
    hitpay_default_link: str = Field(
        "",
        description="Dashboard, Payment Links, default link: what the drop-in starts with; without "
        "it each payment's own",
    )


def account(settings: Settings) -> Account | None:
    if not (settings.value("hitpay_api_key") and any(map(settings.values, NEEDS[1]))):
        return None
    return caller(settings)


def caller(settings: Settings) -> Account:
    """An account that may be called, also while no salt is set that proves its webhooks.

    :raise SettingsError: without a key it may not.
    """
    if not settings.value("hitpay_api_key"):
        raise SettingsError("HITPAY_API_KEY is not set: HitPay's dashboard has it")
    base_url = settings.api("hitpay", API)
    return Account(
        base_url=base_url,
        origins=settings.origins("hitpay", base_url, PAGES),
        currencies=settings.hitpay_currencies,
        payment_methods=settings.hitpay_payment_methods,
        page_minutes=settings.payment_minutes,
        qr_minutes=settings.hitpay_qr_minutes,
        drop_in=DROP_IN.get(base_url, base_url) if settings.hitpay_drop_in else "",
        default_link=settings.hitpay_default_link,
        api_key=settings.value("hitpay_api_key"),
        salts=settings.values("hitpay_salt"),
        webhook_salts=settings.values("hitpay_webhook_salt"),
    )
