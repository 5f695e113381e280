"""The methods that HitPay's page offers: those that HITPAY_PAYMENT_METHODS names, in its order.

Documentation (docs.hitpayapp.com, read 2026-05 to 2026-07): payment-request/create-request.
"""

from .api import Account
from .qr import PAYNOW

#: Codes that shoppers know by another name; any other is shown as it is, without underscores.
LABELS = {
    "card": "Cards",
    PAYNOW: "PayNow",
    "alipay": "Alipay",
    "atome": "Atome",
    "duitnow": "DuitNow",
    "fpx": "FPX",
    "grabpay": "GrabPay",
    "grabpay_direct": "GrabPay",
    "grabpay_paylater": "GrabPay PayLater",
    "shopback": "ShopBack",
    "shopee_pay": "ShopeePay",
    "touch_n_go": "Touch ’n Go",
    "wechat": "WeChat Pay",
    "wechat_pay": "WeChat Pay",
    "zip": "Zip",
}
#: Of an account that names none. HitPay then offers what is enabled, which the shop is not told.
USUAL = ("card", PAYNOW)


def takes(account: Account) -> str:
    """In words, as in "Cards, ShopeePay and PayNow"."""
    named = account.payment_methods or USUAL
    labels = list(dict.fromkeys(LABELS.get(each, each.replace("_", " ")) for each in named))
    return " and ".join(filter(None, (", ".join(labels[:-1]), labels[-1])))


def note(account: Account) -> str:
    """Which cards, and which method does not take every currency."""
    named = account.payment_methods or USUAL
    notes = {"card": "Visa and Mastercard", PAYNOW: "PayNow in SGD"}
    return "; ".join(notes[each] for each in notes if each in named) or "On HitPay’s page"


def currencies(account: Account) -> tuple[str, ...]:
    """Those of the account; of them only SGD where PayNow is the only method."""
    if set(account.payment_methods) == {PAYNOW} and "SGD" in account.currencies:
        return ("SGD",)
    return account.currencies
