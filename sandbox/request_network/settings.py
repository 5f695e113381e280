"""What is set for Request Network, and the assumptions that no setting changes."""

from typing import Literal

from pydantic import Field, SecretStr

from ..kit import Settings, webhooks_of


class RequestNetworkSettings(Settings):
    request_network_api_key: SecretStr = Field(
        SecretStr("rn_test_kiln_and_kettle"), description="x-api-key of calls to Request Network."
    )
    request_network_client_id: str = Field(
        "cli_test_kiln_and_kettle",
        description="x-client-id of calls to Request Network, as another way to sign in.",
    )
    request_network_destination_id: str = Field(
        "",
        description="Where Request Network sends the money; another destination in a call is "
        "refused. Blank: USDC on Base.",
    )
    request_network_webhook_secret: SecretStr = Field(
        SecretStr("6b696c6e2d616e642d6b6574746c652d72657175657374206e6574776f726b21"),
        description="Signs Request Network's webhooks, as the text that it is; of a "
        "comma-separated list, the first.",
    )
    sandbox_request_network_page_keys: Literal["client_id", "both"] = Field(
        "client_id",
        description="Request Network's reference wants a Client ID for GET "
        "/v2/secure-payments/<token>, older pages show it with an API key; we chose the former. "
        "both: either will do.",
    )
    sandbox_request_network_payee_form: Literal["accepted", "refused", "ignored"] = Field(
        "accepted",
        description="Request Network's guide names payee, invoiceCurrency and paymentCurrency in a "
        "request, its reference does not know them; we chose to follow the guide. ignored: they "
        "are taken, and the money goes to the configured destination.",
    )
    request_network_webhook_url: str = Field(
        default_factory=webhooks_of("request_network"),
        description="Where Request Network's webhooks go, as registered in the dashboard; others "
        "are registered by its Auth API.",
    )


ASSUMPTIONS = (
    "A wrong key or Client ID is answered 401, an unknown request or token 404, an expired page "
    "403; errors are {statusCode, message, error}, and for fields that break a rule message is a "
    "list of {code, path, message}.",
    "Amounts have at most two decimals: no exponent, no sign, no thousands mark. The amount of GET "
    "/v2/secure-payments/<token> is the one that was sent.",
    "feePercentage, feeAddress and accessPolicy are checked and then ignored, feePercentage also "
    "without feeAddress. A request that names payee needs both currencies, and no destinationId.",
    "No payouts or fee plans; Tron is not imitated. Unknown fields are refused. "
    "A Client ID is of the kind for a backend: no Origin is asked for.",
    "requestIds are in the order of requests. All requests of a link go to one destination; what a "
    "wallet pays fills them one after the other, by one transaction, and each is told by a webhook "
    "of its own.",
    "A Safe wallet's payment comes through at its owners' first signing, after the time of the "
    "fault “delay”; meanwhile the page is answered 423, and an ordinary payment on its way 200.",
    "GET /v2/secure-payments/<token>/pay answers with an approval and a payment for all that is "
    "missing, in data as real contracts read it (ERC-20, Request Network's ERC20FeeProxy and "
    "BatchPayments, Across's depositV3); the contracts' addresses are made up. A bridge takes "
    "0.2 % on top, as in the reference's sample, and its quote is for five minutes, after which "
    "it is still taken.",
    "A transaction that is announced (POST /v2/secure-payments/<token>/intent) is believed: it is "
    "taken to pay all that is missing, and arrives after the time of the fault “delay”, fails, or "
    "is never mined, as the payment's fault says. One that fails is told as payment.failed from "
    "whatever chain; of one that is never mined nothing is told, and the page can be paid again. "
    "Announced again it is answered as before; a second one while the first is on its way, or "
    "one that pays another link, is answered 409.",
    "Two calls with equal bodies make two requests: there is no idempotency key.",
    "The checksum inside a destination is not checked, since most of the documented samples are "
    "made up.",
    "Nothing is appended to redirectUrl.",
    "A wallet may pay in parts, each told as payment.partial until the sum is complete. A bridge "
    "between chains may fail, told as payment.failed, and the page can still be paid. A sum that "
    "is above what is missing is refused.",
    "A transaction that falls out of the chain in a reorganisation is told as payment.failed, and "
    "GET /v2/request/<id> knows nothing of it any more; the page can be paid once more.",
    "A page that expires while money is on its way is still paid by it. No webhook says "
    "that it has expired.",
    "The Auth API, of another host in reality, stands beside the API, at /v1/webhook, and takes a "
    "Client ID only. A secret is told once, in the answer that registers an address; an address is "
    "registered once, https or on this machine; lists hold the dashboard's, too. Each active one "
    "is sent every event, with an id of its own. A test delivery is sent once and not listed here.",
    "Webhooks carry both requestId and requestID, and not the merchant's reference. A repetition "
    "keeps its delivery id, and so does a webhook that is sent again by hand.",
    "A coin is shown here as the currency that it counts as.",
    "Faults about cards do nothing here; nor does “wrong environment”, of which webhooks know "
    "nothing. “Replay” adds another payment's reference to the webhook.",
)
