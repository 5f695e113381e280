"""WiPay's fees, and who pays them (payments-api/fee-rates; the PDF v1.0.8). All in minor units."""

from decimal import ROUND_HALF_UP, Decimal

from ..models import Payment

#: Country -> percentage on the free plan, and on any paid one.
FEES = {
    "BB": ("3.80", "3.80"),
    "GD": ("4.20", "3.80"),
    "GY": ("4.20", "3.80"),
    "JM": ("4.20", "3.80"),
    "TT": ("3.50", "3.00"),
}
TAX = Decimal("1.15")  # on the percentage fee, everywhere but in TT
FLAT = {"USD": 25, "TTD": 170}  # in TT only; USD 0.25 at the static rate
USD_IN_TTD = Decimal("6.80")  # the static rate of the PDF

#: Key -> how WAPI shows it.
FEE_STRUCTURES = {
    "customer_pay": "Customer Pay",
    "merchant_absorb": "Merchant Absorb",
    "split": "Split",
}


def fee(amount: int, currency: str, country: str, plan: str = "free") -> int:
    """WiPay's fee on a total."""
    free, paid = FEES[country]
    part = amount * Decimal(paid if plan == "paid" else free) / 100
    return half_up(part + FLAT.get(currency, 0) if country == "TT" else part * TAX)


def payers_part(fee: int, structure: str) -> int:
    """What the payer pays of a fee."""
    parts = {"customer_pay": fee, "merchant_absorb": 0, "split": half_up(Decimal(fee) / 2)}
    return parts[structure]


def fee_of(payment: Payment) -> int:
    country = payment.details["form"]["country_code"]
    return fee(payment.amount, payment.currency, country)


def final_total(payment: Payment) -> int:
    """What the payer is debited."""
    structure = payment.details["form"]["fee_structure"]
    return payment.amount + payers_part(fee_of(payment), structure)


def half_up(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))
