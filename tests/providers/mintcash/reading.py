"""How the tests of this folder read a message."""

from typing import Any

from providers import mintcash

from .case import ACCOUNT, sign


def read(body: bytes, signature: str | None = None) -> Any:
    headers = {"x-signature": sign(body) if signature is None else signature}
    return mintcash.read_webhook(ACCOUNT, headers, body)
