"""How the tests of this folder read a message."""

from providers import stripe
from providers.contract import News

from .case import ACCOUNT, sign


def read(body: bytes) -> News:
    (news,) = stripe.read_webhook(ACCOUNT, {"stripe-signature": sign(body)}, body)
    return news
