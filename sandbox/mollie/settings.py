"""What is set for Mollie, and the assumptions that no setting changes."""

from pydantic import Field, SecretStr

from ..kit import Settings


class MollieSettings(Settings):
    mollie_api_key: SecretStr = Field(
        SecretStr("test_kiln_and_kettle"), description="Bearer token of API calls to Mollie."
    )


ASSUMPTIONS = (
    "A payment is open for 15 minutes, as one by iDEAL, and can be canceled. Two decimals.",
    "Idempotency keys are kept for ever, and not for an hour.",
    "A refund is made 20 seconds after it was asked for. As much again is made at once.",
    "The test page leads back to the shop whatever is chosen; each failure has one reason.",
    "The webhook is called when shop or shopper cancels a payment.",
)
