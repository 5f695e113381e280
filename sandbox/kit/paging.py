"""Lists of payments, a page at a time, newest first."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from ..models import Payment, db


def paged(query: Any, page: int, size: int) -> tuple[list[Payment], int, int]:
    """Of a query of payments: those on one page, how many there are in all, and the last page."""
    total = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    newest = query.order_by(Payment.id.desc()).limit(size).offset((page - 1) * size)
    return list(db.session.scalars(newest)), total, max(-(-total // size), 1)


def links(page: int, last: int, address: Callable[[int], str]) -> dict[str, str | None]:
    """The addresses of the first, the last and the neighbouring pages; None where there is none."""
    numbers = {"first": 1, "last": last, "prev": page - 1, "next": page + 1}
    return {
        name: address(number) if 1 <= number <= last else None for name, number in numbers.items()
    }
