"""The ways to pay that the checkout and an unpaid order offer, and why one cannot be chosen."""

from dataclasses import dataclass

from babel.lists import format_list

import payments
from providers.contract import Capabilities, Method
from providers.optional import Subscribes

from .cards import saved_cards


@dataclass(frozen=True)
class Choice:
    """A way to pay, as the checkout page offers it. ``reason`` says why it cannot be chosen."""

    value: str  # "acme", or "acme/qr" for another way than its page
    provider: str  # its label
    label: str
    takes: str
    note: str
    currencies: tuple[str, ...]
    mark: str
    reason: str

    @property
    def available(self) -> bool:
        return not self.reason

    @property
    def here(self) -> bool:
        """Paid on our page, not on the provider's."""
        return "/qr" in self.value


def choices(currency: str, again: bool = False) -> list[Choice]:
    """Every configured way to pay, each available or with the reason why not.

    ``again``: it is charged again by itself, so only the pages of those who do that.
    """
    if again:
        return [
            _choice(page.name, page.label, page, currency)
            for each in payments.providers().values()
            if isinstance(each.module, Subscribes)
            for page in (each.capabilities,)
        ]
    found = ways(currency)
    for card in saved_cards():
        capabilities = payments.providers()[card.provider].capabilities
        name, label, note = capabilities.name, capabilities.label, capabilities.note
        way = Method(
            f"card:{card.card_id}", card.label, "Saved card", note, capabilities.currencies
        )
        found.append(_choice(f"{name}/{way.key}", label, way, currency))
    return found


def ways(currency: str) -> list[Choice]:
    """The same without the cards saved on this device."""
    found = []
    for configured in payments.providers().values():
        capabilities = configured.capabilities
        name, label = capabilities.name, capabilities.label
        found.append(_choice(name, label, capabilities, currency))
        for method in capabilities.methods:
            found.append(_choice(f"{name}/{method.key}", label, method, currency))
    return found


def _choice(value: str, provider: str, way: Capabilities | Method, currency: str) -> Choice:
    reason = ""
    if currency not in way.currencies:
        takes = format_list(way.currencies, locale="en_001")
        reason = f"{way.label} takes {takes}, not {currency}."
    return Choice(value, provider, way.label, way.takes, way.note, way.currencies, way.mark, reason)
