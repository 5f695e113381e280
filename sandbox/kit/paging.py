"""Lists of payments, a page at a time, newest first, as Laravel answers them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import request
from sqlalchemy import func, select

from ..models import Payment, db
from ..settings import settings


def listed(
    query: Any, page: int, size: int, shown: Callable[[Payment], Any], page_field: str
) -> dict[str, Any]:
    """One page of a query of payments: ``data``, ``links`` to other pages, and ``meta``.

    :param page_field: where the query string names the page.
    """
    total = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    before, last = (page - 1) * size, max(-(-total // size), 1)
    found = db.session.scalars(query.order_by(Payment.id.desc()).limit(size).offset(before)).all()
    path = f"{settings().sandbox_url}{request.path}"

    def link(number: int) -> str | None:
        asked = urlencode({**request.args.to_dict(), page_field: number})
        return f"{path}?{asked}" if 1 <= number <= last else None

    return {
        "data": [shown(payment) for payment in found],
        "links": {
            "first": link(1),
            "last": link(last),
            "prev": link(page - 1),
            "next": link(page + 1),
        },
        "meta": {
            "current_page": page,
            "from": before + 1 if found else None,
            "last_page": last,
            "path": path,
            "per_page": size,
            "to": before + len(found) if found else None,
            "total": total,
        },
    }
