"""Settings of a live shop, and what is said of those that must not go live."""

import pytest

import config
from providers import EXAMPLES

from .providers import case_of, cases
from .usual import PROVIDER

#: The shop's own settings; with them alone no provider is on offer.
SHOP = {
    "payment_environment": "live",
    "secret_key": "thirty-two random characters here",
    "base_url": "https://shop.example",
}
#: With one provider.
LIVE = {**SHOP, **case_of(PROVIDER).live}
#: With all of them, as they would be for real money.
EVERYTHING = {
    **SHOP,
    "providers_extra": ",".join(EXAMPLES),
    **{name: value for case in cases().values() for name, value in case.live.items()},
}
#: The same at their test systems, as their keys say.
IN_TEST = {
    **{name: value.replace("live_", "test_") for name, value in EVERYTHING.items()},
    "payment_environment": "test",
}


def problems(**settings: object) -> list[str]:
    """The lines with which a live shop that has everything refuses these settings beside it."""
    with pytest.raises(config.SettingsError) as refused:
        config.load(**{**EVERYTHING, **settings})
    return str(refused.value).splitlines()
