"""WiPay's return, which proves success by a ``hash`` in the query string.

Documentation (docs.wipayfinancial.com, read 2026-11): payments-api/transaction-response (v1.0.9);
and the PDF "Payments API Documentation" v1.0.8 (2024-12-23) for the ``hash``. It can be opened
again, so its key is ``return:<transaction>:<status>``.
"""

import hashlib
from collections.abc import Mapping

from ..contract import News, PaymentRequest
from ..optional import Hint
from ..proof import is_one_of
from ..proven import Proof
from ..text import printable
from .api import Account, total_of
from .form import is_about, leaves_by_form


def read_return(account: Account, payment: PaymentRequest, args: Mapping[str, str]) -> News | Hint:
    """A correct ``hash`` proves success; the rest proves nothing, failure included.

    ``hash`` is the MD5 of transaction id, the total *that was asked for* and the API key, so it
    would also fit another payment of the same price: ours must be the id that it names. Where the
    browser sent the request, we learn the id only now, and the ``order_id`` inside must be ours.
    Such a success is "pending" until WiPay says in which currency: see ``form.py``.
    """
    status, transaction_id = args.get("status", ""), args.get("transaction_id", "")
    by_form = leaves_by_form(account, payment)
    if payment.provider_reference:
        is_ours = transaction_id == payment.provider_reference
    else:
        is_ours = by_form and is_about(account, payment, transaction_id)
    word = printable(f"return: {status}", 40)
    if (
        not is_ours
        or not account.api_key  # without it, anyone can compute the hash
        or status != "success"
        or not is_one_of(args.get("hash", ""), [_hash(account, payment, transaction_id)])
    ):
        return Hint(word, "failed" if status in ("failed", "error") else None)
    debited = printable(f"{args.get('total', '?')} {args.get('currency', '?')}", 40)
    return News(
        provider_reference=transaction_id,
        reference=payment.reference if by_form else None,
        status="pending" if by_form else "succeeded",
        word=f"{word}, {debited} with fees",
        amount=None if by_form else payment.amount,
        currency=None if by_form else payment.currency,
        proof=Proof("hash", "MD5", "transaction id, requested total and key"),
    )


def _hash(account: Account, payment: PaymentRequest, transaction_id: str) -> str:
    """MD5 is WiPay's choice; only WiPay and we know the key at its end."""
    text = f"{transaction_id}{total_of(payment)}{account.api_key}"
    return hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
