"""The cart, kept in the signed session as slugs and quantities; prices come from the database."""

import hashlib
import json
from dataclasses import dataclass, replace

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from database import db
from models import Order, random_id

from .shop import Offer, current_currency, find_offer, offers, product_page

bp = Blueprint("cart", __name__, url_prefix="/cart")

MAX_QUANTITY = 20
#: Unpaid orders that a session remembers; it must fit into a cookie.
MAX_ORDERS = 5
#: Blueprints whose pages show the cart or its badge.
PAGES = ("shop", "cart", "checkout", "orders", "cards")


@dataclass(frozen=True)
class Line:
    """One product in the cart. ``error`` says why it cannot be ordered like this."""

    product: Offer
    quantity: int
    error: str | None

    @property
    def unit_price(self) -> int:
        return self.product.price

    @property
    def every_days(self) -> int:
        """Charged again so often; 0: bought once."""
        return self.product.every_days or 0

    @property
    def total(self) -> int:
        return self.unit_price * self.quantity


@dataclass(frozen=True)
class Cart:
    """What the shopper has chosen, priced now."""

    session_key: str
    currency: str
    lines: list[Line]

    @property
    def fingerprint(self) -> str:
        """Digest of what a page shows: goods, quantities, prices, currency. It holds no secret."""
        goods = sorted(
            (line.product.slug, line.product.name, line.quantity, line.unit_price, line.every_days)
            for line in self.lines
        )
        return hashlib.sha256(json.dumps([self.currency, goods]).encode()).hexdigest()

    @property
    def key(self) -> str:
        """Idempotency key of its order: the same until the cart, a price or currency changes."""
        return hashlib.sha256((self.session_key + self.fingerprint).encode()).hexdigest()[:40]

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)

    @property
    def count(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def every_days(self) -> int:
        """What is in it is charged again so often; 0: bought once."""
        return max((line.every_days for line in self.lines), default=0)

    @property
    def is_empty(self) -> bool:
        return not self.lines

    @property
    def has_errors(self) -> bool:
        return any(line.error for line in self.lines)

    @property
    def needs_shipping(self) -> bool:
        return any(line.product.fulfilment == "ship" for line in self.lines)


def load_cart() -> Cart:
    """The shopper's cart, without products that no longer exist."""
    items = _items()
    currency = current_currency()
    found = {offer.slug: offer for offer in offers(currency, list(items))} if items else {}
    lines = [
        Line(
            found[slug],
            quantity,
            stock_error(found[slug], quantity) or _not_alone(found[slug], len(found)),
        )
        for slug, quantity in items.items()
        if slug in found
    ]
    return Cart(session.get("cart_key", ""), currency, lines)


def cart_count() -> int:
    """The number in the badge, from the session alone: no query."""
    return sum(_items().values())


def remember_order(order_id: str, cart: Cart) -> None:
    """Remember what this order took from the cart, to take it out once the order is paid."""
    others = [each for each in _orders() if each[0] != order_id]
    goods = {line.product.slug: line.quantity for line in cart.lines}
    session["ordered"] = [*others, (order_id, goods)][-MAX_ORDERS:]


def take_out_paid_orders() -> None:
    """Before each page that shows the cart or its badge; another browser may have paid the order.

    Costs one read by primary key while the session has an unpaid order, otherwise nothing. The
    waiting page's poll is left out: it reads its order anyway.
    """
    if request.blueprint not in PAGES or request.endpoint == "orders.status" or not _orders():
        return
    ids = [order_id for order_id, _ in _orders()]
    closed = select(Order.id).where(Order.id.in_(ids), Order.status != "open")
    for order_id in db.session.scalars(closed):
        take_out(order_id)


def take_out(order_id: str) -> None:
    """Take out what this order paid for, once; what was added later stays."""
    for known, goods in _orders():
        if known == order_id:
            session["ordered"] = [each for each in _orders() if each[0] != order_id]
            for slug, quantity in goods.items():
                _put(slug, _items()[slug] - quantity)


def stock_error(offer: Offer, quantity: int) -> str | None:
    if offer.stock is None or quantity <= offer.stock:
        return None
    if offer.stock == 0:
        return f"{offer.name} is sold out. Please remove it."
    return f"Only {offer.stock} left. Please choose {offer.stock} or fewer."


def _not_alone(offer: Offer, goods: int) -> str | None:
    if not offer.every_days or goods == 1:
        return None
    return (
        f"{offer.name} is charged every {offer.every_days} days, so it is ordered on its own. "
        "Please remove it, or everything else."
    )


@bp.get("")
def show() -> str:
    return render_template("cart/show.html", cart=load_cart())


@bp.post("/items")
def add() -> ResponseReturnValue:
    """Add this quantity to the one in the cart."""
    offer = find_offer(request.form.get("slug", ""))
    before = _items().get(offer.slug, 0)
    quantity, error = _read_quantity(lowest=1)
    if not error:
        error = _too_many(before + quantity) or stock_error(offer, before + quantity)
    if error and before:
        error = f"{error} ({before} in your cart already.)"
    if error:
        if _wants_fragment():
            return render_template("cart/_added.html", product=offer, quantity=0, error=error)
        return product_page(offer.slug, error), 422
    _put(offer.slug, before + quantity)
    if _wants_fragment():
        return render_template("cart/_added.html", product=offer, quantity=quantity, oob=True)
    return redirect(url_for("cart.show"), code=303)


@bp.post("/items/<slug>")
def change(slug: str) -> ResponseReturnValue:
    """Set the quantity; zero removes. An invalid number is reported beside its field."""
    quantity, error = _read_quantity(lowest=0)
    if not error and slug in _items():
        _put(slug, quantity)
    return _show_changed({slug: error} if error else {})


@bp.post("/items/<slug>/remove")
def remove(slug: str) -> ResponseReturnValue:
    if slug in _items():
        _put(slug, 0)
    return _show_changed({})


def _show_changed(errors: dict[str, str]) -> ResponseReturnValue:
    """The whole cart, with a sentence at each product whose quantity is invalid."""
    cart = load_cart()
    lines = [replace(line, error=errors.get(line.product.slug, line.error)) for line in cart.lines]
    cart = replace(cart, lines=lines)
    if _wants_fragment():
        return render_template("cart/_cart.html", cart=cart, oob=True)
    if errors:
        return render_template("cart/show.html", cart=cart), 422
    return redirect(url_for("cart.show"), code=303)


def _read_quantity(lowest: int) -> tuple[int, str | None]:
    """The quantity in the form, and a sentence when it is invalid."""
    text = request.form.get("quantity", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= lowest):
        return 0, f"Please give a whole number from {lowest} to {MAX_QUANTITY}."
    return int(text), _too_many(int(text))


def _too_many(quantity: int) -> str | None:
    return f"At most {MAX_QUANTITY} of one kind, please." if quantity > MAX_QUANTITY else None


def _items() -> dict[str, int]:
    cart = session.get("cart")
    return dict(cart) if isinstance(cart, dict) else {}


def _orders() -> list[tuple[str, dict[str, int]]]:
    """Unpaid orders of this session, oldest first: the id, and what of it is still in the cart."""
    return [(order_id, dict(goods)) for order_id, goods in session.get("ordered", [])]


def _put(slug: str, quantity: int) -> None:
    items = _items()
    if quantity:
        items[slug] = quantity
    else:
        items.pop(slug, None)
    session["cart"] = items
    session["cart_key"] = random_id()
    # A product removed and added again is not what was ordered: the order takes out less.
    left = [
        (order_id, {each: min(count, items.get(each, 0)) for each, count in goods.items()})
        for order_id, goods in _orders()
    ]
    session["ordered"] = [
        (order_id, kept)
        for order_id, goods in left
        if (kept := {each: count for each, count in goods.items() if count})
    ]


def _wants_fragment() -> bool:
    return request.headers.get("HX-Request") == "true"
