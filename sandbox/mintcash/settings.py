"""What is set for MintCash, and the assumptions that no setting changes."""

from typing import Literal

from pydantic import Field, SecretStr

from ..kit import Settings, webhooks_of


class MintCashSettings(Settings):
    mintcash_public_key: str = Field(
        "pk_test_kiln_and_kettle", description="User name of API calls to MintCash."
    )
    mintcash_secret_key: SecretStr = Field(
        SecretStr("sk_test_kiln_and_kettle"), description="Password of API calls to MintCash."
    )
    mintcash_signing_secret: SecretStr = Field(
        SecretStr("whsec_test_kiln_and_kettle"),
        description="Signs MintCash's webhooks. Of a comma-separated list, the first.",
    )
    mintcash_webhook_url: str = Field(
        default_factory=webhooks_of("mintcash"),
        description="Where MintCash's webhooks go, as registered with the account manager.",
    )
    sandbox_mintcash_reply_shape: Literal["both", "flat", "wrapped"] = Field(
        "both",
        description="The API reference answers a create call with the payment itself (flat), the "
        "guides with {payment, redirectUrl} (wrapped); we chose both at once.",
    )
    sandbox_mintcash_attempts: int = Field(
        1,
        ge=1,
        description="How many cards a page accepts before a decline is final is not documented; "
        "we chose one.",
    )
    sandbox_mintcash_send_created: bool = Field(
        False,
        description="payment.created is documented but was never observed; we chose not to send "
        "it.",
    )
    sandbox_mintcash_return_query: Literal["none", "corefy"] = Field(
        "none",
        description="What is appended to returnUrl is not documented; we chose nothing. corefy "
        "appends transaction_id and msid, as the provider behind MintCash can.",
    )
    sandbox_mintcash_card_shape: Literal["observed", "documented"] = Field(
        "observed",
        description="Webhooks show the card otherwise than the documentation says (expYear "
        '"31", not 2031; first6 and mask added); we chose what was observed.',
    )
    sandbox_mintcash_subscription_events: Literal["short", "long"] = Field(
        "short",
        description="event-types calls what comes of a charge subscription.succeeded and .failed "
        "(short), retries calls it subscription.payment_succeeded and .payment_failed (long).",
    )


ASSUMPTIONS = (
    "Ids are UUIDs, and “cpi_” with 16 characters at the provider behind, as observed.",
    "The list of currencies is not documented: USD, EUR and GBP, those of the examples. A hosted "
    "page lives for an hour.",
    "A repeated externalId is a repetition when the whole payload is equal; it is answered with "
    "the payment as it is now.",
    "customer.externalId, .email and .name are required; unknown fields, callbackUrl and metadata "
    "are accepted and not used.",
    "Which of several causes made an error 400 is told at the start of its message.",
    "A payment is shown with failureCode, failureMessage and card only once it has them.",
    "Saved cards are not offered: every cardToken is unknown.",
    "Canceling ends in failed with failureCode “canceled”; a failed 3-D Secure challenge with "
    "“client_auth_failed”. failureMessage is always null, as observed.",
    "A card number that is no test card is refused on the page.",
    "Retries count from the previous attempt, and end after the sixth.",
    "Refunds succeed at once; their webhook shows the payment with the refund inside. What cannot "
    "be refunded is answered 409 or 422 with code “failed_precondition”.",
    "A refund made on the dashboard is told as one by API is, with no externalId. A payment can be "
    "voided after it succeeded, as the table of statuses has it; its sums stay as they were.",
    "A webhook about a subscription shows it as GET does, its sum in major units, with failureCode "
    "and failureMessage after a decline; subscription.created and .pending are not sent.",
    "A period begins where the one before it ended, also when a retry paid for it; until then the "
    "period before stays the current one. A subscription's times go by the sandbox's clock.",
    "DELETE answers with the cancelled subscription, and subscription.cancelled follows; one that "
    "is over is answered 409. Its charges are not refunded here.",
    "A charge has no id; the ledger calls it by the subscription's, “@” and the Unix seconds at "
    "which its period begins.",
)
