"""What is set for Mollie, and the assumptions that no setting changes."""

from pydantic import Field, SecretStr

from ..kit import Settings


class MollieSettings(Settings):
    mollie_api_key: SecretStr = Field(
        SecretStr("test_kiln_and_kettle"), description="Bearer token of API calls to Mollie."
    )
    sandbox_mollie_cancelable: bool = Field(
        True, description="isCancelable; in Mollie's samples open payments of cards are not."
    )
    sandbox_mollie_refund_seconds: float = Field(
        20, ge=0, description="Until a refund is made; two hours and more at Mollie."
    )


ASSUMPTIONS = (
    "A payment can be paid for 15 minutes, as one by iDEAL. Currencies have two decimals.",
    "Idempotency keys are kept for ever; a replay is answered with the payment as it is now.",
    "Pending refunds count in amountRefunded until they fail; none is shown as processing.",
    "The test page leads back to the shop whatever is chosen; Mollie takes the reason of a failure "
    "from the amount.",
    "The webhook is called when shop or shopper cancels a payment, and when a chargeback is "
    "reversed.",
)
