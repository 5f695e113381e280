"""How the tests of this folder read a message."""

from typing import Any

from providers import handcash

from .case import ACCOUNT


def read(body: bytes) -> Any:
    (news,) = handcash.read_webhook(ACCOUNT, {}, body)
    return news
