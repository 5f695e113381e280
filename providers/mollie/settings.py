"""Mollie's settings: where to find each, what must be there, and the account they make."""

from typing import Annotated

from pydantic import Field, SecretStr

from ..settings import BY_DASHBOARD, ProviderSettings, SandboxKey, Summary, Words
from .api import Account

API, PAGES = "https://api.mollie.com", "https://www.mollie.com"  # PAGES: as in all samples
SUMMARY = Summary(
    proven_by="nothing: its webhook is a ping",
    signed="not at all",
    amount="no",
    truth="`GET /v2/payments/{id}`",
    refunds="in full or in parts",
    left_page="canceled (`DELETE`) where Mollie can",
    webhook="not at all: each payment names it",
    repeats="for 26 hours, ten times in all",
)
LIVE_APIS, NEEDS = (API,), (("mollie_api_key",),)


class Settings(ProviderSettings):
    mollie_base_url: str = Field("", description=f"Default: the sandbox, else {API}")
    mollie_api_key: Annotated[
        SecretStr | None, SandboxKey("test_kiln_and_kettle"), BY_DASHBOARD
    ] = Field(None, description="Dashboard, Developers, API keys: live_… when live, else test_…")
    mollie_page_origins: Words = Field((), description=f"Default: {PAGES}")
    mollie_currencies: Words = Field(("EUR", "USD", "GBP"), description="What your account takes")


def account(settings: Settings) -> Account | None:
    key, url = settings.value("mollie_api_key"), settings.api("mollie", {"test": API, "live": API})
    pages = settings.origins("mollie", url, {API: (PAGES,)})
    return Account(url, pages, settings.mollie_currencies, key) if key else None
