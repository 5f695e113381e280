"""HandCash's ``appSecret`` travels in the body of each webhook, so it is never stored."""

import json

from ..http import parse_json
from .api import Account


def keep_body(account: Account, body: bytes) -> str:
    """The delivery without ``appSecret``, which would let its reader forge the next one."""
    event = parse_json(body)
    return json.dumps({name: event[name] for name in event if name != "appSecret"}, default=str)
