"""What stands on the shelf, from ``products.json``; pictures are in ``static/products``."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import select

from database import transaction
from models import Price, Product

PRODUCTS = Path(__file__).with_name("products.json")


def fill_shelf() -> int:
    """Bring names, texts and prices up to date; returns how many products there are.

    Stock is only set for a product that is new: what was sold stays sold.
    """
    wanted = json.loads(PRODUCTS.read_text("utf-8"))["products"]
    with transaction() as session:
        known = {product.slug: product for product in session.scalars(select(Product))}
        for position, data in enumerate(wanted):
            product = known.get(data["slug"])
            if product is None:
                product = Product(slug=data["slug"], stock=data["stock"])
                session.add(product)
            _describe(product, position, data)
    return len(wanted)


def _describe(product: Product, position: int, data: dict[str, Any]) -> None:
    product.position = position
    for name in ("name", "kind", "fulfilment", "blurb", "description", "picture", "alt"):
        setattr(product, name, data[name])
    product.every_days = data.get("every_days")
    prices = {price.currency: price for price in product.prices}
    for currency, amount in data["prices"].items():
        if currency in prices:
            prices[currency].amount = amount
        else:
            product.prices.append(Price(currency=currency, amount=amount))
