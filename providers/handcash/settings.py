"""HandCash's settings: where to find each, what must be there, and the account they make."""

from typing import Annotated

from pydantic import Field, SecretStr

from ..settings import ProviderSettings, Replaced, SandboxKey, Summary, Words
from .api import COIN, Account

API = {"test": "https://iae.cloud.handcash.io", "live": "https://cloud.handcash.io"}
LIVE_APIS = (API["live"],)
#: Where its hosted pages are, by the API's address.
PAGES = dict.fromkeys(API.values(), ("https://pay.handcash.io", "https://handcash.io"))

NEEDS = (("handcash_app_id",), ("handcash_app_secret",), ("handcash_destination",))

SUMMARY = Summary(
    proven_by="webhook",
    signed="the app secret inside the body, compared and never stored",
    amount="no: bound to the stored request",
    truth="public status by id",
    ways="page, with its QR code beside the link",
    refunds="none by API",
    left_page="brought up to date (`PUT`), withdrawn (`DELETE`) unless it was paid",
    webhook="not at all: each payment names it",
    repeats="for a day, at growing intervals",
)


class Settings(ProviderSettings):
    handcash_base_url: str = Field(
        "",
        description="Default by PAYMENT_ENVIRONMENT: the sandbox, https://iae.cloud.handcash.io, "
        "https://cloud.handcash.io",
    )
    handcash_app_id: Annotated[str | None, SandboxKey("0123456789abcdef01234567")] = Field(
        None, description="Developer dashboard, your app"
    )
    handcash_app_secret: Annotated[
        SecretStr | None,
        SandboxKey("app_secret_test_kiln_and_kettle"),
        Replaced("two at a time; it proves webhooks *and* opens the API: the first is sent"),
    ] = Field(
        None,
        description="Developer dashboard, your app. It also proves webhooks: replace it after any "
        "leak; two, comma-separated, meanwhile",
    )
    handcash_destination: Annotated[str | None, SandboxKey("kilnandkettle")] = Field(
        None, description="Who receives: a handle, a paymail or a business wallet"
    )
    handcash_page_origins: Words = Field(
        (), description="Default: the hosts that HandCash documents"
    )
    handcash_currencies: Words = Field(
        ("USD", "EUR", "GBP", "SGD", "TTD"),
        description="Currencies of your prices; any of ISO 4217. The payer pays in BSV",
    )
    handcash_prices_in_bsv: bool = Field(
        False, description="true: prices may be in BSV, too, with eight decimals"
    )


def account(settings: Settings) -> Account | None:
    app_id = settings.value("handcash_app_id")
    app_secrets = settings.values("handcash_app_secret")
    destination = settings.value("handcash_destination")
    if not (app_id and app_secrets and destination):
        return None
    base_url = settings.api("handcash", API)
    return Account(
        base_url=base_url,
        origins=settings.origins("handcash", base_url, PAGES),
        currencies=settings.handcash_currencies + (COIN,) * settings.handcash_prices_in_bsv,
        app_id=app_id,
        app_secrets=app_secrets,
        destination=destination,
        minutes=settings.payment_minutes,
    )
