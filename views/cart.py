"""The cart, kept in the signed session as slugs and quantities; prices come from the database."""

from dataclasses import dataclass, replace

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from models import random_id

from .shop import Offer, current_currency, find_offer, offers, product_page

bp = Blueprint("cart", __name__, url_prefix="/cart")

MOST_OF_ONE = 20


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
    def total(self) -> int:
        return self.unit_price * self.quantity


@dataclass(frozen=True)
class Cart:
    """What the shopper has chosen, priced now. ``key`` changes whenever the contents do."""

    key: str
    currency: str
    lines: list[Line]

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)

    @property
    def count(self) -> int:
        return sum(line.quantity for line in self.lines)

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
    """The shopper's cart; what has left the shelf for good is left out."""
    items = _items()
    currency = current_currency()
    found = {offer.slug: offer for offer in offers(currency, list(items))} if items else {}
    lines = [
        Line(found[slug], quantity, stock_error(found[slug], quantity))
        for slug, quantity in items.items()
        if slug in found
    ]
    return Cart(f"{session.get('cart_key', '')}{currency}", currency, lines)


def cart_count() -> int:
    """For the badge: what the session says, without a query."""
    return sum(_items().values())


def forget_cart(key: str) -> None:
    """Empty the cart, if it still holds what was ordered (in whatever currency is shown now)."""
    if key.startswith(session.get("cart_key") or "no cart"):
        session.pop("cart", None)
        session.pop("cart_key", None)


def stock_error(offer: Offer, quantity: int) -> str | None:
    if offer.stock is None or quantity <= offer.stock:
        return None
    if offer.stock == 0:
        return f"{offer.name} is sold out. Please remove it."
    return f"Only {offer.stock} left. Please choose {offer.stock} or fewer."


@bp.get("")
def show() -> str:
    return render_template("cart/show.html", cart=load_cart())


@bp.post("/items")
def add() -> ResponseReturnValue:
    """Add to what is there already."""
    offer = find_offer(request.form.get("slug", ""))
    before = _items().get(offer.slug, 0)
    quantity, error = _read_quantity(lowest=1)
    if not error:
        error = _too_many(before + quantity) or stock_error(offer, before + quantity)
    if error and before:
        error = f"{error} ({before} in your basket already.)"
    if error:
        if _wants_fragment():
            return render_template("cart/_added.html", product=offer, quantity=0, error=error)
        return product_page(offer, error), 422
    _put(offer.slug, before + quantity)
    if _wants_fragment():
        return render_template("cart/_added.html", product=offer, quantity=quantity, oob=True)
    return redirect(url_for("cart.show"), code=303)


@bp.post("/items/<slug>")
def change(slug: str) -> ResponseReturnValue:
    """Set the quantity; zero removes. A number that cannot be is answered beside the field."""
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
    """The whole cart, with a sentence at each product whose quantity could not be read."""
    cart = load_cart()
    lines = [replace(line, error=errors.get(line.product.slug, line.error)) for line in cart.lines]
    cart = replace(cart, lines=lines)
    if _wants_fragment():
        return render_template("cart/_cart.html", cart=cart, oob=True)
    if errors:
        return render_template("cart/show.html", cart=cart), 422
    return redirect(url_for("cart.show"), code=303)


def _read_quantity(lowest: int) -> tuple[int, str | None]:
    """The number of the form, or a sentence about what is wrong with it."""
    text = request.form.get("quantity", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= lowest):
        return 0, f"Please give a whole number from {lowest} to {MOST_OF_ONE}."
    return int(text), _too_many(int(text))


def _too_many(quantity: int) -> str | None:
    return f"At most {MOST_OF_ONE} of one kind, please." if quantity > MOST_OF_ONE else None


def _items() -> dict[str, int]:
    cart = session.get("cart")
    return dict(cart) if isinstance(cart, dict) else {}


def _put(slug: str, quantity: int) -> None:
    items = _items()
    if quantity:
        items[slug] = quantity
    else:
        items.pop(slug, None)
    session["cart"] = items
    session["cart_key"] = random_id()


def _wants_fragment() -> bool:
    return request.headers.get("HX-Request") == "true"
