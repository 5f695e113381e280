"""A shop with one of everything in it, for tests that walk all its pages."""

from collections.abc import Iterator
from dataclasses import dataclass

import html5lib
from sqlalchemy import select

from database import db
from models import Download, Mail
from tests import mintcash
from tests.books import Books
from tests.mintcash import event
from tests.shopper import Shopper

NAMESPACE = "{http://www.w3.org/1999/xhtml}"


@dataclass(frozen=True)
class ShopWithAPurchase:
    """Ann has bought a cookbook and a candle, and has a candle in her cart again."""

    shopper: Shopper
    api: mintcash.Api
    books: Books
    ids: dict[str, str]

    def path(self, template: str) -> str:
        return template.format(**self.ids)


def build(shopper: Shopper, api: mintcash.Api, books: Books, **ann: str) -> ShopWithAPurchase:
    """``ann``: what she types otherwise at checkout."""
    shopper.add("candle")
    shopper.add("cookbook")
    shopper.check_out(**ann)
    shopper.deliver(*event(api.newest, "succeeded"))
    books.work()
    order_id = books.order.id
    with books.open():
        token = db.session.scalars(select(Download.token)).one()
        letter = db.session.scalars(select(Mail.id)).one()
    shopper.get(f"/orders/{order_id}")  # the cart is empty from here
    shopper.add("candle")
    return ShopWithAPurchase(
        shopper, api, books, {"order": order_id, "token": token, "letter": str(letter)}
    )


def elements(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """What a browser makes of a page: each element's name, attributes and text."""
    for each in html5lib.parse(text).iter():
        if isinstance(each.tag, str):
            yield each.tag.removeprefix(NAMESPACE), dict(each.attrib), each.text or ""
