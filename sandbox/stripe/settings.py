"""What is set for Stripe, and the assumptions that no setting changes."""

from pydantic import Field, SecretStr

from ..kit import Settings, webhooks_of


class StripeSettings(Settings):
    stripe_secret_key: SecretStr = Field(SecretStr("sk_test_kettle_too"), description="API key.")
    stripe_webhook_secret: SecretStr = Field(
        SecretStr("whsec_test_kettle_too"), description="Signs webhooks; of several, the first."
    )
    stripe_webhook_url: str = Field(default_factory=webhooks_of("stripe"), description="Endpoint.")


ASSUMPTIONS = (
    "Webhooks tell of checkout sessions and refunds. A failed one is repeated after 1 and 2 hours.",
    "A session expires after a day, and is never paid then. An intent is made when it is paid.",
    "A bank debit succeeds after a minute; a refund, at once. Keys are kept for ever.",
)
