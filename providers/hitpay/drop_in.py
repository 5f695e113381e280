"""HitPay's drop-in: its script opens the payment over ours (hit-pay/hitpay-js-example)."""

from urllib.parse import urlsplit

from ..contract import Embed, Urls
from .api import Account


def embed(account: Account, reference: str, url: str, urls: Urls) -> Embed:
    """What ``HitPay.init`` and ``HitPay.toggle`` are given.

    The script frames ``<scheme>://<domain><path>/hitpay-iframe.html``.
    """
    place = urlsplit(account.drop_in)
    options = (
        ("request", reference),
        ("link", account.default_link or url),
        ("return", urls.return_url),
        ("scheme", place.scheme),
        ("domain", place.netloc),
        ("api-domain", place.netloc),
        ("path", place.path),
    )
    return Embed(url, f"{account.drop_in}/hitpay.js", options)
