"""The settings of HandCash: what they make of an account, what is shown, what may go live."""

import pytest

import config
from providers import configured_providers
from tests.live import problems


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"handcash_base_url": "https://iae.cloud.handcash.io"}, "HANDCASH_BASE_URL must be"),
        ({"handcash_app_secret": "abc"}, "HANDCASH_APP_SECRET is too short"),
    ],
)
def test_what_is_dangerous_is_refused_by_name(changes: dict[str, str], sentence: str) -> None:
    """N10, I8, T11."""
    (line,) = problems(**changes)

    assert line.startswith(sentence)


@pytest.mark.parametrize(
    ("named", "in_bsv", "taken"),
    [
        ("USD", "false", ("USD",)),
        ("USD,jpy,KWD", "true", ("USD", "JPY", "KWD", "BSV")),
    ],
)
def test_prices_may_be_in_any_currency_and_in_the_coin_where_that_is_set(
    named: str, in_bsv: str, taken: tuple[str, ...]
) -> None:
    settings = config.load(handcash_currencies=named, handcash_prices_in_bsv=in_bsv)

    assert configured_providers(settings)["handcash"].capabilities.currencies == taken
