"""The shelf and the products."""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from sqlalchemy import bindparam, select
from werkzeug.wrappers import Response

import payments
from catalogue.books import chapters
from database import db
from models import Price, Product

bp = Blueprint("shop", __name__)

PRODUCTS, PRICES = Product.__table__, Price.__table__

CURRENCIES = ("USD", "EUR", "SGD", "TTD")
THEMES = ("light", "dark")
THEME_SECONDS = 365 * 24 * 60 * 60
LOW_STOCK = 5
RELATED = 3


@dataclass(frozen=True)
class Offer:
    """A product with its price (minor units) in one currency."""

    slug: str
    name: str
    kind: str
    fulfilment: str
    blurb: str
    description: str
    picture: str
    alt: str
    stock: int | None
    every_days: int | None  # charged again so often; None: bought once
    price: int

    @property
    def is_low(self) -> bool:
        return self.stock is not None and 0 < self.stock <= LOW_STOCK

    @property
    def is_gone(self) -> bool:
        return self.stock == 0


#: Values of ``?sort=``: the label, and the key to sort by.
SORTS: dict[str, tuple[str, Callable[[Offer], Any]]] = {
    "": ("Featured", lambda offer: 0),
    "price": ("Price: low to high", lambda offer: offer.price),
    "-price": ("Price: high to low", lambda offer: -offer.price),
    "name": ("Name", lambda offer: offer.name),
}

#: The columns of an :class:`Offer`, as rows: a page changes none of them.
COLUMNS = [PRODUCTS.c[each.name] for each in fields(Offer) if each.name != "price"]
SHELF = (
    select(*COLUMNS, PRICES.c.amount.label("price"))
    .join_from(PRODUCTS, PRICES)
    .where(PRICES.c.currency == bindparam("currency"))
    .order_by(PRODUCTS.c.position)
)
CHOSEN = SHELF.where(PRODUCTS.c.slug.in_(bindparam("slugs", expanding=True)))


def offers(currency: str, slugs: list[str] | None = None) -> list[Offer]:
    """The products that are sold in this currency, in the order of the shelf: all, or these."""
    if slugs is None:
        found = db.session.execute(SHELF, {"currency": currency})
    else:
        found = db.session.execute(CHOSEN, {"currency": currency, "slugs": slugs})
    return [Offer(**row._mapping) for row in found]


def find_offer(slug: str) -> Offer:
    """:raise 404: no such product."""
    found = offers(current_currency(), [slug])
    return found[0] if found else abort(404)


def current_currency() -> str:
    """The currency chosen in the header, kept in the session."""
    chosen = session.get("currency")
    return chosen if chosen in CURRENCIES else CURRENCIES[0]


def related_to(offer: Offer, goods: list[Offer]) -> list[Offer]:
    """A few others of these products, those of the same kind first."""
    others = [each for each in goods if each.slug != offer.slug]
    return sorted(others, key=lambda each: each.kind != offer.kind)[:RELATED]


def current_theme() -> str:
    """The theme chosen in the footer, from its own cookie; blank: the device decides."""
    chosen = request.cookies.get("theme")
    return chosen if chosen in THEMES else ""


@bp.get("/")
def shelf() -> str:
    """All products, or one kind of them; an unknown kind or order in the URL is ignored."""
    goods = offers(current_currency())
    kinds = list(dict.fromkeys(each.kind for each in goods))
    kind, sort = request.args.get("kind", ""), request.args.get("sort", "")
    kind, sort = kind if kind in kinds else "", sort if sort in SORTS else ""
    shown = [each for each in goods if kind in ("", each.kind)]
    shown.sort(key=SORTS[sort][1])
    return render_template(
        "shop/shelf.html", products=shown, kinds=kinds, kind=kind, sorts=SORTS, sort=sort
    )


@bp.get("/products/<slug>")
def product(slug: str) -> str:
    return product_page(slug)


def product_page(slug: str, error: str | None = None) -> str:
    """A product's page; ``error`` says what is wrong with the quantity.

    :raise 404: no such product.
    """
    goods = offers(current_currency())
    offer = next((each for each in goods if each.slug == slug), None) or abort(404)
    return render_template(
        "shop/product.html",
        product=offer,
        related=related_to(offer, goods),
        error=error,
        has_taste=bool(chapters(offer.slug)),
    )


@bp.get("/products/<slug>/taste")
def taste(slug: str) -> str:
    """The first chapter of a book, for all to read.

    :raise 404: no such product, or no book to read online.
    """
    offer = find_offer(slug)
    first, *others = chapters(slug) or abort(404)
    return render_template("shop/taste.html", product=offer, chapter=first, others=others)


@bp.get("/about")
def about() -> str:
    ways = [each.capabilities for each in payments.providers().values()]
    return render_template("shop/about.html", providers=ways)


@bp.post("/currency")
def set_currency() -> Response:
    """Change the currency of all prices; the cart keeps its products."""
    chosen = request.form.get("currency")
    if chosen not in CURRENCIES:
        abort(400)
    session["currency"] = chosen
    if request.headers.get("HX-Request"):
        return Response(status=204, headers={"HX-Refresh": "true"})
    return redirect(_own_page(request.form.get("next", "")), code=303)


@bp.post("/theme")
def set_theme() -> Response:
    """Light, dark, or blank: the device decides."""
    chosen = request.form.get("theme", "")
    if chosen not in ("", *THEMES):
        abort(400)
    if request.headers.get("HX-Request"):
        # static/js/theme.js hears the event; without a reload, nothing typed is lost.
        event = json.dumps({"theme": chosen})
        response = Response(status=204, headers={"HX-Trigger": event})
    else:
        response = redirect(_own_page(request.form.get("next", "")), code=303)
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie(
        "theme", chosen, max_age=THEME_SECONDS, secure=secure, httponly=True, samesite="Lax"
    )
    return response


def this_page() -> str:
    """The URL that shows this page again by GET; after a POST, the page with the form."""
    return request.full_path if request.method == "GET" else urlsplit(request.referrer or "").path


def _own_page(target: str) -> str:
    """``target`` if it is a path of this shop, else the shelf; never another site."""
    parts = urlsplit(target)
    safe = target.isprintable() and target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if safe and not parts.scheme and not parts.netloc else url_for("shop.shelf")
