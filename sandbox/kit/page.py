"""A hosted page: what a press on its button does, and where the browser may go from it.

Nothing here needs JavaScript.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from .. import faults
from ..background import commit
from ..models import Payment
from ..settings import settings
from .provider import provider_of

#: What a page is answered with.
Answer = str | Response | tuple[str, int]


def submit(
    payment: Payment,
    *,
    read: Callable[[Payment], dict[str, str]],
    settle: Callable[[Payment], object],
) -> dict[str, str]:
    """Take the form of a page, with the faults of its drawer, and commit.

    :param read: keeps what was typed in ``payment.details``; gives a sentence for each field that
        is wrong, by name.
    :param settle: what was typed decides: paid, declined, or challenged.
    :return: what ``read`` found wrong; then nothing has happened.
    :raise 400: a fault that does not exist.
    """
    provider = provider_of(payment)
    faults.choose(payment)
    errors = {} if payment.fault == "expire" else read(payment)
    if not errors:
        if payment.fault not in ("expire", "pay_late"):
            settle(payment)
        else:
            provider.expire(payment)
        if payment.fault == "pay_late":
            provider.end_late(payment)
    commit()
    return errors


def show(template: str, payment: Payment, **values: Any) -> str:
    """A page of this payment, whose forms may lead to the shop.

    The template stands in the folder of the provider, or among those that all share, such as
    ``endings.html``. It knows ``payment``, ``provider``, ``merchant`` and the faults of the drawer,
    ``payment_faults`` and ``delivery_faults``.
    """
    provider = provider_of(payment)
    if payment.return_url:
        g.form_target = origin(payment.return_url)
    return render_template(
        [f"{provider.name}/{template}", template],
        payment=payment,
        provider=provider,
        merchant=settings().sandbox_merchant_name,
        payment_faults=provider.can_suffer("payment"),
        delivery_faults=provider.can_suffer("delivery"),
        **values,
    )


def onward(payment: Payment, shop: str | None) -> Response:
    """Where the browser goes next: to the shop, unless the tab was "closed"; else to the page.

    :param shop: its address; None or blank: the shopper is not sent back.
    """
    if shop and payment.fault != "close_tab":
        return redirect(shop, 303)
    return redirect(url_for(".show_page", reference=payment.reference), 303)


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def extended(url: str, query: Mapping[str, str | None]) -> str:
    """``url`` with what is not blank appended to its query."""
    parts = urlsplit(url)
    added = urlencode({name: text for name, text in query.items() if text})
    return parts._replace(query=f"{parts.query}&{added}".strip("&")).geturl()
