"""What a wallet signs to pay: an approval, then the payment, as contracts on the chain read them.

Ask of /pay: api-reference/secure-payments. The contracts: ERC-20; Request Network's ERC20FeeProxy
and BatchPayments (github.com/RequestNetwork/requestNetwork, packages/smart-contracts); for another
chain or coin, the deposit at Across's SpokePool (docs.across.to), the one bridge in use.
"""

import time
from typing import Any

from ..kit import major
from ..models import Payment
from .abi import call_data
from .coins import CHAINS, DECIMALS, NETWORKS, TOKENS, ways
from .transfers import shares

#: Made-up contracts: the real ones differ from chain to chain.
FEE_PROXY, BATCH, SPOKE_POOL = "0x" + "fe" * 20, "0x" + "ba" * 20, "0x" + "ac" * 20
NO_ADDRESS = "0x" + "0" * 40  # of a fee that is not taken, or of any relayer
QUOTE_SECONDS = 300  # that the bridge's price holds; an assumption, and nothing refuses it later
BRIDGE_FEE = 20  # of 10,000, added by the bridge; the reference's sample asks 10.02 for 10


def is_direct(payment: Payment, chain: str, coin: str) -> bool:
    """In the coin of the destination, on its chain: no bridge, and no exchange."""
    return (chain, coin) == (payment.details["chain"], payment.details["coin"])


def source_cents(payment: Payment, chain: str, cents: int) -> int:
    """What leaves the wallet, so that ``cents`` arrive."""
    fee = 0 if chain == payment.details["chain"] else -(-cents * BRIDGE_FEE // 10_000)
    return cents + fee


def to_sign(
    payment: Payment, wallet: str, chain: str, coin: str, cents: int, is_named: bool = True
) -> dict[str, Any]:
    """The answer of /pay for one route: what pays ``cents`` of what is missing.

    :param is_named: the caller named the route, and reads what it costs; else it is the direct one.
    """
    leaves = source_cents(payment, chain, cents)
    spender, data = _payment(payment, wallet, chain, coin, cents)
    approval = call_data("approve(address,uint256)", spender, _units(leaves, chain))
    token = _token(payment, chain, coin)
    value = "0x0" if is_named else 0  # as the samples have it
    calls = [
        {"to": to, "data": of, "value": value} for to, of in ((token, approval), (spender, data))
    ]
    holds = {"hasEnoughBalance": ways(payment)[chain][coin] >= leaves, "hasEnoughGas": True}
    if len(payment.details["requests"]) > 1:
        return {
            "ERC20ApprovalTransactions": calls[:1],
            "batchPaymentTransaction": calls[1],
            "metadata": holds,
            "paymentType": "batch",
            "feeBundle": None,
        }
    quote = {
        "routeType": "samechain" if chain == payment.details["chain"] else "crosschain",
        "quoteExpiresAt": int(time.time()) + QUOTE_SECONDS,
        "sourceAmount": major(leaves),
    }
    return {
        "transactions": calls,
        "metadata": {
            "stepsRequired": 2,
            "needsApproval": True,
            "approvalTransactionIndex": 0,
            "paymentTransactionIndex": 1,
            **holds,
            **(quote if is_named else {}),
        },
        "paymentType": "single",
        "feeBundle": None,
        "paymentReference": payment.details["requests"][0]["paymentReference"],
        "flow": "incoming",
    }


def _payment(payment: Payment, wallet: str, chain: str, coin: str, cents: int) -> tuple[str, str]:
    """The contract that takes the money, and the data of the call that has it do so."""
    details = payment.details
    parts = shares(payment, cents)
    references = [
        bytes.fromhex(details["requests"][index]["paymentReference"][2:]) for index in parts
    ]
    amounts = [_units(each, details["chain"]) for each in parts.values()]
    token, payee = details["tokenAddress"], details["payee"]
    if not is_direct(payment, chain, coin):
        now = int(time.time())
        return SPOKE_POOL, call_data(
            "depositV3(address,address,address,address,uint256,uint256,uint256,address,uint32,uint32,"
            "uint32,bytes)",
            wallet,
            payee,
            _token(payment, chain, coin),
            token,
            _units(source_cents(payment, chain, cents), chain),
            sum(amounts),
            next(number for number in CHAINS if CHAINS[number][1] == details["chain"]),
            NO_ADDRESS,  # any relayer may fill it
            now,
            now + QUOTE_SECONDS,
            0,
            b"".join(references),
        )
    if len(details["requests"]) > 1:
        return BATCH, call_data(
            "batchERC20PaymentsWithReference(address,address[],uint256[],bytes[],uint256[],address)",
            token,
            [payee] * len(parts),
            amounts,
            references,
            [0] * len(parts),
            NO_ADDRESS,
        )
    return FEE_PROXY, call_data(
        "transferFromWithReferenceAndFee(address,address,uint256,bytes,uint256,address)",
        token,
        payee,
        amounts[0],
        references[0],
        0,
        NO_ADDRESS,
    )


def _token(payment: Payment, chain: str, coin: str) -> str:
    """The contract of a coin; that of the destination as the destination spells it."""
    if is_direct(payment, chain, coin):
        address: str = payment.details["tokenAddress"]
        return address
    place = (NETWORKS[chain], coin)
    return next(token for network, token in TOKENS if (network, TOKENS[network, token]) == place)


def _units(cents: int, chain: str) -> int:
    """Minor units of a dollar in the smallest units of a coin."""
    units: int = cents * 10 ** (DECIMALS.get(chain, 6) - 2)
    return units
