"""What is set for Stripe, and the assumptions that no setting changes."""

from pydantic import Field, SecretStr

from ..kit import Settings, webhooks_of


class StripeSettings(Settings):
    stripe_secret_key: SecretStr = Field(
        SecretStr("sk_test_kettle_too"), description="User name of calls to Stripe."
    )
    stripe_webhook_secret: SecretStr = Field(
        SecretStr("whsec_test_kettle_too"),
        description="Signs Stripe's webhooks. Of a comma-separated list, the first.",
    )
    stripe_webhook_url: str = Field(
        default_factory=webhooks_of("stripe"),
        description="Where Stripe's webhooks go, as registered in the dashboard.",
    )


ASSUMPTIONS = (
    "The endpoint is registered for checkout.session.…, charge.refunded, refund.… and "
    "charge.dispute.created and .closed; none of these tells of a declined card.",
    "Any currency with two decimals, from 0.50; one line of items. Fields that the shop does not "
    "send are not read. A form can be repeated with its Idempotency-Key for ever.",
    "A failed attempt is repeated after one hour, and after two more, each signed with its time.",
    "A refund changes after a minute; it counts in amount_refunded until it has failed.",
    "A session that has expired is never paid. Delayed methods are not offered.",
)
