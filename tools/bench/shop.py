"""The shop as it is measured: the shop itself, with the accounts that ``tests/providers`` know."""

import os
from dataclasses import replace

from flask import Flask

import app
from providers import EXAMPLES
from tests.providers import cases
from tests.usual import PROVIDER

#: Where the API of a provider that answers at once is; see ``provider.py``.
PROVIDER_URL = "BENCH_PROVIDER_URL"

#: Rates that no measurement reaches.
UNLIMITED = {
    "CHECKOUT_LIMIT": "1000000/second",
    "ATTEMPT_LIMIT": "1000000/second",
    "STATUS_LIMIT": "1000000/second",
}
SETTINGS = {
    "PAYMENT_ENVIRONMENT": "sandbox",
    "PROVIDERS_EXTRA": ",".join(EXAMPLES),
    "LOG_FORMAT": "json",
    **UNLIMITED,
}


def create_app() -> Flask:
    """With the secrets with which the cases sign their messages."""
    shop = app.create_app()
    for name, case in cases().items():
        account = case.account
        if name == PROVIDER and PROVIDER_URL in os.environ:
            url = os.environ[PROVIDER_URL]
            account = replace(account, base_url=url, origins=(url,))
        shop.extensions["providers"][name] = replace(case.configured, account=account)
    return shop
