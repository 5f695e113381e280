"""Stripe's settings: where to find each, what must be there, and the account they make."""

from typing import Annotated

from pydantic import Field, SecretStr

from ..settings import BY_DASHBOARD, TWO_AT_A_TIME, ProviderSettings, SandboxKey, Summary, Words
from .api import Account

API, PAGES = "https://api.stripe.com", "https://checkout.stripe.com"  # of test and live alike
SUMMARY = Summary(
    proven_by="webhook",
    signed="HMAC-SHA256 over time stamp and raw body; `livemode` must match",
    amount="yes, minor units",
    truth="`GET /v1/checkout/sessions/{id}`",
    refunds="in full or in parts",
    left_page="expired (`POST …/expire`)",
    webhook="in the dashboard, or by a call",
    repeats="for three days",
)
LIVE_APIS, NEEDS = (API,), (("stripe_secret_key",), ("stripe_webhook_secret",))


class Settings(ProviderSettings):
    stripe_base_url: str = Field("", description=f"Default: the sandbox, or {API}")
    stripe_secret_key: Annotated[
        SecretStr | None, SandboxKey("sk_test_kettle_too"), BY_DASHBOARD
    ] = Field(None, description="Dashboard, Developers, API keys: sk_test_…; when live, sk_live_…")
    stripe_webhook_secret: Annotated[
        SecretStr | None, SandboxKey("whsec_test_kettle_too"), TWO_AT_A_TIME
    ] = Field(None, description="Dashboard, Webhooks, endpoint: whsec_…; two while it is rolled")
    stripe_page_origins: Words = Field((), description=f"Default: {PAGES}, or a domain of your own")
    stripe_currencies: Words = Field(("USD", "EUR", "GBP"), description="Those you want to take")


def account(settings: Settings) -> Account | None:
    key, secrets = settings.value("stripe_secret_key"), settings.values("stripe_webhook_secret")
    url, live = settings.api("stripe", {"test": API, "live": API}), settings.environment == "live"
    origins = settings.origins("stripe", url, {API: (PAGES,)})
    found = Account(url, live, origins, settings.stripe_currencies, key, secrets)
    return found if key and secrets else None
