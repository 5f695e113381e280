"""What is set for WiPay, and the assumptions that no setting changes."""

from typing import Literal

from pydantic import Field, SecretStr

from ..kit import Settings, webhooks_of


class WiPaySettings(Settings):
    wipay_account_number: str = Field(
        "1234567890", description="The merchant that calls WiPay; WiPay's public test account."
    )
    wipay_api_key: SecretStr = Field(
        SecretStr("123"),
        description="Makes the hash of WiPay's return; the public test account's key.",
    )
    wipay_country_code: Literal["BB", "GD", "GY", "JM", "TT"] = Field(
        "TT",
        description="Country of the WiPay account: decides WiPay's fee and page. The public test "
        "account is at home in all five.",
    )
    sandbox_wipay_email: Literal["required", "optional"] = Field(
        "required",
        description="email is required by version 1.0.11 of the Payments API and optional in 1.0.8 "
        "and 1.0.9; we chose required.",
    )
    wipay_wapi_key: SecretStr = Field(
        SecretStr("wapi_test_kiln_and_kettle"),
        description="X-WAPI-Key of look-ups, refunds and saved cards at WiPay.",
    )
    wipay_webhook_secret: SecretStr = Field(
        SecretStr("wipay_webhook_test_kiln_and_kettle"),
        description="Signs WiPay's webhooks; of a comma-separated list, the first. Blank: no "
        "endpoint is registered, and the return is all there is.",
    )
    wipay_webhook_url: str = Field(
        default_factory=webhooks_of("wipay"),
        description="Where WiPay's webhooks go, as registered on the merchant account.",
    )
    sandbox_wipay_signs: Literal["body", "timestamp.body"] = Field(
        "body",
        description="WiPay's webhook page signs the raw body, a review of its API time stamp, dot "
        "and body; we chose the body.",
    )
    sandbox_wipay_timeout_status: Literal["error", "failed"] = Field(
        "error",
        description="How a transaction ends that was not paid in time is not documented; we chose "
        "error.",
    )
    sandbox_wipay_refunds: Literal["granted", "rejected", "by_hand"] = Field(
        "granted",
        description="What becomes of a refund request that no person decides on WiPay's dashboard.",
    )
    sandbox_wipay_balance: Literal["enough", "short"] = Field(
        "enough", description="Whether the WiPay account holds enough money for a refund."
    )
    sandbox_wipay_wrong_amount: Literal["delete", "keep"] = Field(
        "delete",
        description="What a wrong amount does to a card that is to be verified: WAPI 2.0.2 says it "
        "is deleted, 2.0.0 does not; we chose delete.",
    )
    sandbox_wipay_card_shape: Literal["object", "array"] = Field(
        "object",
        description="One card looked up at WiPay is an object in WAPI 2.0.2, an array in 2.0.0; we "
        "chose the object. An unknown one is an empty array in both.",
    )


ASSUMPTIONS = (
    "The WiPay account is on the free plan. It takes USD in every country, TTD in Trinidad and "
    "Tobago, JMD in Jamaica; no page lists more. A refund is decided by itself "
    "after 20 seconds; a card can be verified for three days.",
    "Error texts are ours; a request that breaks a rule is answered 400. The error parameters of "
    "response_url are status, message, order_id and date.",
    "Redirects are 303. A response_url that already has a query is continued with “&”.",
    "A repeated order_id makes another transaction, with an id of its own.",
    "The legacy method credit_card is accepted as well as credit_card_co.",
    "A form's total has exactly two decimals; TTD 5.00 to 20400.00 and USD 0.74 to 3000.00 are "
    "accepted, and JMD 115.00 to 465000.00. In JSON it may be a number, which is written with two "
    "decimals before it is hashed.",
    "Jamaica's page is the one of the FGB gateway: it approves the listed numbers only, and its "
    "messages begin with Y or N. Every other country's is of the FAC gateway: numbers that are not "
    "listed are approved. None is checked by Luhn's rule. With avs=1 a page takes the billing "
    "address, too, filled in from the request, and any will do.",
    "A declined card ends the transaction: [2-R2], in Jamaica [N-R05]; a wrong 3-D Secure password "
    "does, too: [3-RA9], in Jamaica [N-R5101]. There is no way to cancel; who "
    "leaves lets the session expire.",
    "Fees are rounded half up, and so is their half in “split”. Nothing is converted.",
    "A payer who is still on an expired page goes back to response_url without a result.",
    "An outcome that WiPay did not learn at once (the fault “pay late”) is learnt by its recovery "
    "job, of which nothing tells the browser: when the transaction is 30 to 240 minutes old, here "
    "30.",
    "payment.created is sent for every request. A webhook's data is the transaction as WAPI shows "
    "it; a retry comes after 10, 30, 60 and 120 seconds with the bytes and headers of the first.",
    "WAPI's hash, 64 digits, is made of nothing that means anything. An unknown transaction is "
    "answered 400, as for refunds. A refunded one stays success, and its status_desc is Refunded. "
    "WAPI takes form fields and JSON. Its tokens and rate limits are not imitated: only the key.",
    "A refund made on the dashboard is told as one that was asked for and granted is. A "
    "chargeback leaves a transaction success and is shown by its status_desc: Chargeback Pending, "
    "Processed (the money is gone), Released (it stays).",
    "Of the helpers, only the path of /plugins/get/states is known: currencies, environments and "
    "fee_structures stand beside it. States are known of the five countries and the USA.",
    "A rejected refund may be asked for again. Saving a card debits USD 0.50 to 1.50 and sends no "
    "webhook; its return has no hash. The page of a charge asks for no card data.",
)
