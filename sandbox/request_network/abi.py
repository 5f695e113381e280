"""The data of a call to a contract, as Ethereum's contract ABI encodes it.

Specification: docs.soliditylang.org, “Contract ABI Specification”. Only the types that are needed:
``address``, ``uint…``, ``bytes`` and lists of these.
"""

from collections.abc import Sequence
from typing import Any

from Crypto.Hash import keccak

WORD = 32  # bytes


def call_data(signature: str, *values: Any) -> str:
    """``"approve(address,uint256)"`` and its arguments as ``0x…``.

    An address is a text ``0x…``, a number an int, bytes are bytes, a list is a list.

    :raise ValueError: a number of another size, or more or fewer values than types.
    """
    types = signature.removesuffix(")").partition("(")[2].split(",")
    return f"0x{(selector(signature) + _encoded(types, values)).hex()}"


def selector(signature: str) -> bytes:
    """Which function is called: the first four bytes of the signature's hash."""
    return keccak.new(digest_bits=256, data=signature.encode()).digest()[:4]


def _encoded(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """A word for each value; what has no fixed length stands behind, and its word says where."""
    heads, tails, begin = b"", b"", WORD * len(types)
    for kind, value in zip(types, values, strict=True):
        if kind == "bytes":
            heads += _word(begin + len(tails))
            tails += _word(len(value)) + value + bytes(-len(value) % WORD)
        elif kind.endswith("[]"):
            heads += _word(begin + len(tails))
            tails += _word(len(value)) + _encoded([kind.removesuffix("[]")] * len(value), value)
        elif kind == "address":
            heads += _word(int(value, 16), 160)
        else:
            heads += _word(value, int(kind.removeprefix("uint")))
    return heads + tails


def _word(number: int, bits: int = 256) -> bytes:
    if not 0 <= number < 2**bits:
        raise ValueError(f"{number} is no number of {bits} bits")
    return number.to_bytes(WORD, "big")
