"""Data of calls to contracts: equal, digit for digit, to what others have published."""

from typing import Any

import pytest

from sandbox.request_network.abi import call_data

TOKEN = "0x9FBDa871d559710256a2502A2517b794B482Db40"
PAYEE = "0xf17f52151EbEF6C7334FAD080c5704D77216b732"
FEES = "0xC5fdf4076b8F3A5357c5E395ab970B5B54098Fef"
REFERENCE = bytes.fromhex("86dfbccad783599a")
DEPOSITOR = "0x6969174FD72466430a46e18234D0b530c9FD5f49"


def words(*hexadecimal: str) -> str:
    """A word each: short ones are numbers, with "…" at their end the beginning of bytes."""
    return "".join(
        each.removesuffix("…").ljust(64, "0") if each.endswith("…") else each.rjust(64, "0")
        for each in hexadecimal
    )


token, payee, fees = (each[2:].lower() for each in (TOKEN, PAYEE, FEES))
reference = "86dfbccad783599a…"


@pytest.mark.parametrize(
    ("signature", "values", "published"),
    [
        pytest.param(  # EIP-20's function; Etherscan and all wallets show this selector
            "approve(address,uint256)",
            [PAYEE, 10_020_000],
            "0x095ea7b3" + words(payee, "98e4a0"),
            id="approve",
        ),
        pytest.param(
            "transfer(address,uint256)",
            [PAYEE, 100],
            "0xa9059cbb" + words(payee, "64"),
            id="transfer",
        ),
        pytest.param(
            "transferFrom(address,address,uint256)",
            [FEES, PAYEE, 100],
            "0x23b872dd" + words(fees, payee, "64"),
            id="transfer_from",
        ),
        pytest.param(  # RequestNetwork/requestNetwork, payment-processor, tests of erc20-fee-proxy
            "transferFromWithReferenceAndFee(address,address,uint256,bytes,uint256,address)",
            [TOKEN, PAYEE, 100, REFERENCE, 2, FEES],
            "0xc219a14d" + words(token, payee, "64", "c0", "2", fees, "8", reference),
            id="fee_proxy",
        ),
        pytest.param(  # the same, its tests of batch payments
            "batchERC20PaymentsWithReference(address,address[],uint256[],bytes[],uint256[],address)",
            [TOKEN, [PAYEE] * 2, [100] * 2, [REFERENCE] * 2, [2] * 2, FEES],
            "0xc6e6d98b"
            + words(token, "c0", "120", "180", "260", fees)
            + words("2", payee, payee)
            + words("2", "64", "64")
            + words("2", "40", "80", "8", reference, "8", reference)
            + words("2", "2", "2"),
            id="batch",
        ),
        pytest.param(  # AmbireTech/ambire-common, its test of Across, less the last bytes
            "depositV3(address,address,address,address,uint256,uint256,uint256,address,"
            "uint32,uint32,uint32,bytes)",
            [
                DEPOSITOR,
                DEPOSITOR,
                "0x3c499c542cef5e3811e1192ce70d8cc03d5c3359",
                "0xaf88d065e77c8cc2239327c5edb3a432268e5831",
                0x1FE20,
                0x1A47F,
                42161,
                "0x0",
                0x66704D77,
                0x6670A23A,
                0,
                b"",
            ],
            "0x7b939232"
            + words("6969174fd72466430a46e18234d0b530c9fd5f49")
            + words("6969174fd72466430a46e18234d0b530c9fd5f49")
            + words("3c499c542cef5e3811e1192ce70d8cc03d5c3359")
            + words("af88d065e77c8cc2239327c5edb3a432268e5831")
            + words("1fe20", "1a47f", "a4b1", "0", "66704d77", "6670a23a", "0", "180", "0"),
            id="across",
        ),
    ],
)
def test_a_call_is_encoded_as_published(signature: str, values: list[Any], published: str) -> None:
    """What a wallet signs is real; vectors from the public repositories named beside each."""
    assert call_data(signature, *values) == published


@pytest.mark.parametrize("number", [-1, 2**32])
def test_a_number_that_its_type_does_not_hold_is_no_call(number: int) -> None:
    with pytest.raises(ValueError, match="is no number of 32 bits"):
        call_data("f(uint32)", number)


def test_every_type_has_its_value() -> None:
    with pytest.raises(ValueError, match="shorter"):
        call_data("approve(address,uint256)", PAYEE)
