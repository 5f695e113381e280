"""The shopper is back, which proves nothing unless the provider signs it: ask the provider soon."""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import select

from database import database_now, now, transaction
from models import Payment
from providers.contract import News
from providers.optional import Hint, ReadsReturns

from .gateway import providers, request_for
from .inbox import store_and_apply
from .timing import CHECK_AFTER_RETURN


def record_return(order_id: str, provider: str, args: Mapping[str, str]) -> str | None:
    """``args``: the query string. Returns the id of the payment to check, if one is undecided."""
    configured = providers()[provider]
    with transaction() as session:
        attempts = session.scalars(
            select(Payment)
            .where(Payment.order_id == order_id, Payment.provider == provider)
            .order_by(Payment.attempt.desc())
        ).all()
        hint = None
        for payment in attempts:
            news: News | Hint = Hint()
            if isinstance(configured.module, ReadsReturns):
                news = configured.module.read_return(configured.account, request_for(payment), args)
            if isinstance(news, News):
                # Through the inbox like all news: the same return, opened again, is a repeat.
                key = f"return:{news.provider_reference}:{news.status}"
                store_and_apply(provider, replace(news, event_key=key), headers={}, body=None)
            elif hint is None:
                hint = news.status
        undecided = [payment for payment in attempts if payment.next_check_at]
        if not undecided:
            return None
        newest = undecided[0]
        newest.hint = hint
        if newest.returned_at is None:
            newest.returned_at = now()
            newest.checks = 0
        soon = database_now() + CHECK_AFTER_RETURN
        newest.next_check_at = min(newest.next_check_at or soon, soon)
        return newest.id
