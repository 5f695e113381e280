"""Bought books, read online: all chapters, while the order is paid and its money is here.

The money is asked for at each page, as for a download. Where a book is closed, the order's page
says what happened.
"""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import lazyload

import payments
from catalogue.books import chapters
from database import db
from models import Order, OrderLine, Product

bp = Blueprint("reading", __name__)

#: ``Order.status`` -> why the book is closed.
CLOSED = {
    "open": "{book} opens when this order is paid.",
    "held": "{book} is closed while a person looks at this order.",
    "paid": "{book} is closed, because the money for this order is not here any more.",
}


@bp.get("/orders/<order_id>/read/<slug>")
def contents(order_id: str, slug: str) -> ResponseReturnValue:
    """The title, and a list of the chapters."""
    order, book = _find(order_id, slug)
    if not _is_open(order):
        return _say_why(order, book)
    return render_template("reading/contents.html", order=order, book=book, chapters=chapters(slug))


@bp.get("/orders/<order_id>/read/<slug>/<key>")
def chapter(order_id: str, slug: str, key: str) -> ResponseReturnValue:
    """One chapter, with the ways to the ones before and after it.

    :raise 404: the book has no such chapter.
    """
    order, book = _find(order_id, slug)
    found = chapters(slug)
    number = next((at for at, each in enumerate(found) if each.key == key), None)
    if number is None:
        abort(404)
    if not _is_open(order):
        return _say_why(order, book)
    return render_template(
        "reading/chapter.html",
        order=order,
        book=book,
        chapter=found[number],
        number=number + 1,
        count=len(found),
        earlier=found[number - 1] if number else None,
        later=found[number + 1] if number + 1 < len(found) else None,
    )


def _find(order_id: str, slug: str) -> tuple[Order, Product]:
    """:raise 404: no such order, or no such book in it."""
    query = (
        select(Order, Product)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(Product, Product.id == OrderLine.product_id)
        .where(Order.id == order_id, Product.slug == slug, OrderLine.fulfilment == "download")
        .options(lazyload("*"))  # neither lines nor prices are shown
    )
    found = db.session.execute(query).first()
    if found is None or not chapters(slug):
        abort(404)
    order, book = found
    return order, book


def _is_open(order: Order) -> bool:
    return order.status == "paid" and payments.money_is_here(order)


def _say_why(order: Order, book: Product) -> ResponseReturnValue:
    flash(CLOSED[order.status].format(book=book.name), "info")
    return redirect(url_for("orders.show", order_id=order.id), code=303)
