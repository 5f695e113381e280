"""How the tests of this folder read a message."""

from typing import Any

from providers import request_network

from .case import ACCOUNT, signed


def read(body: bytes, **headers: str) -> Any:
    (news,) = request_network.read_webhook(ACCOUNT, *signed(body, **headers))
    return news
