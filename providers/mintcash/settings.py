"""MintCash's settings: where to find each, what must be there, and the account they make."""

from typing import Annotated

from pydantic import Field, SecretStr

from ..settings import TWO_AT_A_TIME, ProviderSettings, Replaced, SandboxKey, Summary, Words
from ..urls import origin
from .api import Account

API = {"test": "https://sandbox.mintcash.me", "live": "https://api.mintcash.me"}
LIVE_APIS = (API["live"],)

NEEDS = (("mintcash_public_key",), ("mintcash_secret_key",), ("mintcash_signing_secret",))

SUMMARY = Summary(
    proven_by="webhook",
    signed="HMAC-SHA256 over the raw body; `environment` must match",
    amount="yes, major units",
    truth="`GET /payments/{id}`",
    refunds="in full and in part, by our own reference",
    left_page="stays as it is",
    webhook="by the account manager",
    repeats="for a day: after 30 seconds, 2 and 10 minutes, 1 and 6 hours",
)


class Settings(ProviderSettings):
    mintcash_base_url: str = Field(
        "",
        description="Default by PAYMENT_ENVIRONMENT: the sandbox, https://sandbox.mintcash.me, "
        "https://api.mintcash.me",
    )
    mintcash_public_key: Annotated[str | None, SandboxKey("pk_test_kiln_and_kettle")] = Field(
        None, description="Merchant console, API keys: pk_test_… for PAYMENT_ENVIRONMENT=test"
    )
    mintcash_secret_key: Annotated[
        SecretStr | None,
        SandboxKey("sk_test_kiln_and_kettle"),
        Replaced(
            "the account manager gives a new one, and the old one stops working at once: set it "
            "with its public key, restart"
        ),
    ] = Field(
        None, description="Shown once, with the public key: sk_test_… for PAYMENT_ENVIRONMENT=test"
    )
    mintcash_signing_secret: Annotated[
        SecretStr | None, SandboxKey("whsec_test_kiln_and_kettle"), TWO_AT_A_TIME
    ] = Field(
        None,
        description="Shown once when the merchant account is made; two, comma-separated, while one "
        "is being replaced",
    )
    mintcash_page_origins: Words = Field(
        (),
        description="Where the hosted page lives (the documentation does not say), e.g. "
        "https://pay.example",
    )
    mintcash_currencies: Words = Field(
        ("USD", "EUR", "GBP"),
        description="What your account takes, comma-separated; MintCash publishes no list",
    )


def account(settings: Settings) -> Account | None:
    public_key = settings.value("mintcash_public_key")
    secret_key = settings.value("mintcash_secret_key")
    secrets = settings.values("mintcash_signing_secret")
    if not (public_key and secret_key and secrets):
        return None
    base_url = settings.api("mintcash", API)
    return Account(
        base_url=base_url,
        environment="live" if settings.environment == "live" else "test",
        origins=settings.mintcash_page_origins or (origin(base_url),),
        currencies=settings.mintcash_currencies,
        public_key=public_key,
        secret_key=secret_key,
        signing_secrets=secrets,
    )
