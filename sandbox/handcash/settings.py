"""What is set for HandCash, and the assumptions that no setting changes."""

from typing import Literal

from pydantic import Field, SecretStr

from ..kit import Settings


class HandCashSettings(Settings):
    handcash_app_id: str = Field(
        "0123456789abcdef01234567", description="app-id of calls to HandCash."
    )
    handcash_app_secret: SecretStr = Field(
        SecretStr("app_secret_test_kiln_and_kettle"),
        description="app-secret of calls to HandCash; also inside its webhooks, as their proof. Of "
        "a comma-separated list, the first.",
    )
    sandbox_handcash_price_field: Literal["denominationCurrencyCode", "currency"] = Field(
        "denominationCurrencyCode",
        description="How the price's currency is called: manage-payment-request says currency, all "
        "other sources denominationCurrencyCode; we chose the latter. The other is refused.",
    )
    sandbox_handcash_auth_status: Literal["401", "403"] = Field(
        "401",
        description="How HandCash answers a wrong app-id or app-secret is not documented; its "
        "clients know both; we chose 401.",
    )
    sandbox_handcash_unknown_status: Literal["400", "404", "410"] = Field(
        "404",
        description="How HandCash answers about an unknown or deleted request is not documented; "
        "we chose 404.",
    )
    sandbox_handcash_status_words: Literal["lower", "upper"] = Field(
        "lower",
        description="The values of the public status are not documented; we chose pending, "
        "completed, expired. upper: PENDING, PAID, EXPIRED, as on withdrawn pages.",
    )
    sandbox_handcash_webhook_shape: Literal["newer", "documented"] = Field(
        "newer",
        description="Newer code expects paymentMethod and userData.id in webhooks, which the "
        "documentation does not show or shows late; we chose newer.",
    )


ASSUMPTIONS = (
    "A failed webhook is repeated after 10, 20, 40 … seconds, 13 times in 23 hours; the "
    "documentation says “exponential for 24 hours”. Any 2xx answer ends it.",
    "Prices may be in any currency that is in use, by CLDR, or in the settlement coin itself; the "
    "gold, silver and bitcoin of HandCash's list of 170 are not taken.",
    "Version 2 of the API makes, shows and deletes the same requests; all receivers of one name "
    "the same currency, or BSV.",
    "Errors are {message}: of fields in the words of Joi, of the rest in those of HTTP.",
    "Amounts have the currency's decimals (USD two, JPY none, BSV eight), and the total is that of "
    "all receivers. paymentAmount "
    "names the price's currency twice, as currencyCode and as denominatedIn.",
    "Unknown fields are refused. enabledAt, expiresAt, paymentMethods, shop, priceBeforeDiscount "
    "and notifications.email are accepted, shown again and otherwise not used.",
    "Two calls with equal bodies make two requests: there is no idempotency key.",
    "Times are ISO 8601; expiresAt is null where nothing was said about expiry.",
    "The handle decides nothing: any wallet has enough money, and its user's id, paymail, e-mail "
    "and phone number are made up from the handle.",
    "userData and customParameters are left out of the webhook where there are none.",
    "Of customParameters, the first that is a text is shown on this page as the merchant's id.",
    "paymentRequestQrCodeUrl is a PNG of what HandCash's own page shows: pay:?r=…/merchant/invoice/"
    "<id>?referenceId=<six letters or digits>. What a wallet is answered there is not documented: "
    "here it is led to the page. The six are the id's last, for every visit.",
    "A payer cannot cancel on the page, and no webhook tells of expiry, as documented. A deleted "
    "request cannot be paid, one that is paid can be deleted, and either is unknown from then on.",
    "An update takes effect at once, also on a request that has ended, which stays as it is.",
    "Two payers may meet on a request that is to be paid once (fault “pay twice”): both pay, with "
    "a transaction and a webhook each.",
    "Faults about cards, and webhook faults about environment, amount, currency and order of "
    "events, do nothing here: HandCash's webhook has none of these. “Tamper” spoils its appSecret.",
)
