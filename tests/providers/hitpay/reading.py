"""How the tests of this folder read a message."""

from providers import hitpay
from providers.contract import News

from .case import ACCOUNT, WEBHOOK_SALT, sign


def read_form(body: bytes, account: hitpay.Account = ACCOUNT) -> News:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    (news,) = hitpay.read_webhook(account, headers, body)
    return news


def read_event(body: bytes, signature: str | None = None, entity: str = "payment_request") -> News:
    headers = {
        "content-type": "application/json",
        "hitpay-event-object": entity,
        "hitpay-signature": sign(body, WEBHOOK_SALT) if signature is None else signature,
    }
    (news,) = hitpay.read_webhook(ACCOUNT, headers, body)
    return news
