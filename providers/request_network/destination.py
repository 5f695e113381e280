"""Where Request Network sends the money: a destination id, or a payee with two currencies.

Documentation (docs.request.network, read 2026-02 to 2026-09): api-features/payee-destinations,
api-features/secure-payment-integration-guide, api-reference/webhooks.
"""

import re
from typing import Protocol

from Crypto.Hash import keccak

#: A wallet, a chain and a token in one (api-features/payee-destinations), on EVM chains and on
#: Tron. The last colon begins the token: the part before it holds one, too.
EVM_ADDRESS = "0x[0-9A-Fa-f]{40}"
ADDRESS = f"(?:{EVM_ADDRESS}|T[1-9A-HJ-NP-Za-km-z]{{33}})"
DESTINATION = re.compile(
    rf"(?P<wallet>{ADDRESS})@eip155:(?P<chain>[1-9][0-9]{{0,19}})#(?P<checksum>[0-9A-Fa-f]{{8}})"
    rf":{ADDRESS}",
    re.ASCII,
)
#: A currency's id: "USD", "USDC-base", "USDC-arbitrum-one".
CURRENCY = re.compile(r"[A-Za-z0-9]{2,20}(-[a-z0-9-]{2,40})?", re.ASCII)


class Destination(Protocol):
    """What ``Account`` says of it; all blank where the key has a destination of its own."""

    @property
    def destination_id(self) -> str: ...
    @property
    def payee(self) -> str: ...
    @property
    def invoice_currency(self) -> str: ...
    @property
    def payment_currency(self) -> str: ...


def destination_fields(account: Destination) -> dict[str, str]:
    """The fields of a request that say where its money goes."""
    if account.destination_id:
        return {"destinationId": account.destination_id}
    if account.payee:
        return {
            "payee": account.payee,
            "invoiceCurrency": account.invoice_currency,
            "paymentCurrency": account.payment_currency,
        }
    return {}


def warnings(account: Destination) -> list[str]:
    """What is odd about the settings, though it may be right: a sentence each."""
    found = DESTINATION.fullmatch(account.destination_id)
    fitting = found and _checksum(found["wallet"], int(found["chain"]))
    if not found or not fitting or found["checksum"].upper() == fitting:
        return []
    return [
        f"The checksum of REQUEST_NETWORK_DESTINATION_ID is {found['checksum']}, and {fitting} "
        "would fit its wallet and chain: compare it with the dashboard, letter by letter."
    ]


def _checksum(wallet: str, chain: int) -> str | None:
    """The eight digits in a destination id; None on Tron, whose rule is not known.

    Nowhere stated. It is the checksum of an interoperable address (ERC-7930): Keccak-256 over the
    kind of chain (0000 is EVM), the chain and the wallet, the last two after their lengths. That
    fits a sample of api-reference/webhooks; other samples hold made-up digits.
    """
    if not wallet.startswith("0x"):
        return None
    body = b"\0\0"
    for each in (chain.to_bytes((chain.bit_length() + 7) // 8, "big"), bytes.fromhex(wallet[2:])):
        body += bytes([len(each)]) + each
    return keccak.new(digest_bits=256, data=body).hexdigest()[:8].upper()
