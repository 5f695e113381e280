"""What the checkout says that HitPay takes: what the merchant named, in that order."""

from dataclasses import replace

import pytest

from providers import hitpay

from .case import ACCOUNT


def account(*named: str) -> hitpay.Account:
    return replace(ACCOUNT, payment_methods=named, currencies=("SGD", "USD"))


@pytest.mark.parametrize(
    ("named", "takes", "note"),
    [
        ((), "Cards and PayNow", "Visa and Mastercard; PayNow in SGD"),
        (("paynow_online", "card"), "PayNow and Cards", "Visa and Mastercard; PayNow in SGD"),
        (("card",), "Cards", "Visa and Mastercard"),
        (("shopee_pay", "card", "atome"), "ShopeePay, Cards and Atome", "Visa and Mastercard"),
        (("grabpay", "grabpay_direct"), "GrabPay", "On HitPay’s page"),
        (("new_wallet",), "new wallet", "On HitPay’s page"),
    ],
)
def test_the_checkout_names_what_the_page_offers(
    named: tuple[str, ...], takes: str, note: str
) -> None:
    said = hitpay.capabilities(account(*named))

    assert (said.takes, said.note) == (takes, note)


@pytest.mark.parametrize(
    ("named", "currencies"),
    [
        (("paynow_online",), ("SGD",)),
        (("paynow_online", "paynow_online"), ("SGD",)),
        (("paynow_online", "card"), ("SGD", "USD")),
        ((), ("SGD", "USD")),
    ],
)
def test_paynow_alone_takes_sgd_alone(named: tuple[str, ...], currencies: tuple[str, ...]) -> None:
    assert hitpay.capabilities(account(*named)).currencies == currencies
