"""From settings to accounts: what each provider module needs to speak for this shop.

A provider without its settings is not here: it is not offered, and has no webhook route.
"""

import logging
from collections.abc import Callable
from typing import Any

from config import Settings, SettingsError, origin
from providers import PROVIDERS, handcash, hitpay, mintcash, request_network, wipay_api
from providers.base import Configured

#: Where a provider's API is, by PAYMENT_ENVIRONMENT; in the sandbox it is under SANDBOX_URL.
API = {
    "mintcash": {"test": "https://sandbox.mintcash.me", "live": "https://api.mintcash.me"},
    "hitpay": {"test": "https://api.sandbox.hit-pay.com", "live": "https://api.hit-pay.com"},
    "handcash": {"test": "https://iae.cloud.handcash.io", "live": "https://cloud.handcash.io"},
    "request_network": dict.fromkeys(("test", "live"), "https://api.request.network"),
}

#: Where hosted pages live, as far as that is documented.
PAGES = {
    "https://api.sandbox.hit-pay.com": (
        "https://securecheckout.sandbox.hit-pay.com",
        "https://checkout.sandbox.hit-pay.com",
    ),
    "https://api.hit-pay.com": (
        "https://securecheckout.hit-pay.com",
        "https://checkout.hit-pay.com",
    ),
    "https://iae.cloud.handcash.io": ("https://pay.handcash.io", "https://handcash.io"),
    "https://api.request.network": (
        "https://pay.request.network",
        "https://secure.request.network",
    ),
    "https://cloud.handcash.io": ("https://pay.handcash.io", "https://handcash.io"),
}

#: Where HitPay's hitpay.js is; in the sandbox it is under SANDBOX_URL, like the API.
DROP_IN = {
    "https://api.sandbox.hit-pay.com": "https://sandbox.hit-pay.com",
    "https://api.hit-pay.com": "https://hit-pay.com",
}

log = logging.getLogger(__name__)


def configured_providers(settings: Settings) -> dict[str, Configured]:
    """The providers whose settings are there, by name, in the order of ``PROVIDERS``.

    :raise SettingsError: settings that do not go together, a line for each provider.
    """
    accounts: dict[str, Any] = {}
    problems = []
    for name in PROVIDERS:
        try:
            accounts[name] = ACCOUNTS[name](settings)
        except SettingsError as problem:
            problems.append(str(problem))
    if problems:
        raise SettingsError("\n".join(problems))
    return {
        name: Configured(PROVIDERS[name], account) for name, account in accounts.items() if account
    }


def mintcash_account(settings: Settings) -> mintcash.Account | None:
    public_key = settings.value("mintcash_public_key")
    secret_key = settings.value("mintcash_secret_key")
    secrets = settings.values("mintcash_signing_secret")
    if not (public_key and secret_key and secrets):
        return None
    base_url = settings.mintcash_base_url or _api("mintcash", settings)
    return mintcash.Account(
        base_url=base_url,
        environment="live" if settings.environment == "live" else "test",
        origins=settings.mintcash_page_origins or (origin(base_url),),
        currencies=settings.mintcash_currencies,
        public_key=public_key,
        secret_key=secret_key,
        signing_secrets=secrets,
    )


def hitpay_account(settings: Settings) -> hitpay.Account | None:
    api_key = settings.value("hitpay_api_key")
    salts = settings.values("hitpay_salt")
    webhook_salts = settings.values("hitpay_webhook_salt")
    if not (api_key and (salts or webhook_salts)):
        return None
    base_url = settings.hitpay_base_url or _api("hitpay", settings)
    return hitpay.Account(
        base_url=base_url,
        origins=settings.hitpay_page_origins or PAGES.get(base_url, (origin(base_url),)),
        currencies=settings.hitpay_currencies,
        payment_methods=settings.hitpay_payment_methods,
        page_minutes=settings.payment_minutes,
        qr_minutes=settings.hitpay_qr_minutes,
        drop_in=DROP_IN.get(base_url, base_url) if settings.hitpay_drop_in else "",
        default_link=settings.hitpay_default_link,
        api_key=api_key,
        salts=salts,
        webhook_salts=webhook_salts,
    )


def wipay_account(settings: Settings) -> wipay_api.Account | None:
    account_number = settings.value("wipay_account_number")
    api_key = settings.value("wipay_api_key")
    if not (account_number and api_key):
        return None
    country = settings.wipay_country_code
    environment = "live" if settings.environment == "live" else "sandbox"
    base_url = settings.wipay_base_url or (
        f"{settings.sandbox_url}/wipay"
        if settings.environment == "sandbox"
        else wipay_api.HOSTS[country][environment]
    )
    webhook_secrets = settings.values("wipay_webhook_secret")
    wapi_key = settings.value("wipay_wapi_key")
    if settings.wipay_mode == "form":
        if settings.wipay_fee_structure != "merchant_absorb":
            raise SettingsError(
                "WIPAY_FEE_STRUCTURE must be merchant_absorb when WIPAY_MODE is form: "
                "with a fee on top, nobody could tell that the shopper changed the total"
            )
        if not (webhook_secrets or wapi_key):
            raise SettingsError(
                "WIPAY_MODE is form, which needs WIPAY_WEBHOOK_SECRET or WIPAY_WAPI_KEY: "
                "the return does not prove in which currency was paid"
            )
    return wipay_api.Account(
        base_url=base_url,
        environment=environment,
        origins=(origin(base_url),),
        currencies=wipay_api.CURRENCIES[country],
        account_number=account_number,
        country_code=country,
        fee_structure=settings.wipay_fee_structure,
        mode=settings.wipay_mode,
        avs=settings.wipay_avs,
        signs=settings.wipay_webhook_signs,
        api_key=api_key,
        webhook_secrets=webhook_secrets,
        wapi_key=wapi_key,
    )


def handcash_account(settings: Settings) -> handcash.Account | None:
    app_id = settings.value("handcash_app_id")
    app_secrets = settings.values("handcash_app_secret")
    destination = settings.value("handcash_destination")
    if not (app_id and app_secrets and destination):
        return None
    base_url = settings.handcash_base_url or _api("handcash", settings)
    return handcash.Account(
        base_url=base_url,
        origins=settings.handcash_page_origins or PAGES.get(base_url, (origin(base_url),)),
        currencies=settings.handcash_currencies,
        app_id=app_id,
        app_secrets=app_secrets,
        destination=destination,
        minutes=settings.payment_minutes,
    )


def request_network_account(settings: Settings) -> request_network.Account | None:
    api_key = settings.value("request_network_api_key")
    client_id = settings.value("request_network_client_id")
    secrets = settings.values("request_network_webhook_secret")
    if not ((api_key or client_id) and secrets):
        return None
    base_url = settings.request_network_base_url or _api("request_network", settings)
    try:
        account = request_network.Account(
            base_url=base_url,
            environment="live" if settings.environment == "live" else "test",
            origins=settings.request_network_page_origins
            or PAGES.get(base_url, (origin(base_url),)),
            currencies=settings.request_network_currencies,
            api_key="" if client_id else api_key,
            client_id=client_id,
            webhook_secrets=secrets,
            destination_id=settings.value("request_network_destination_id"),
            payee=settings.value("request_network_payee"),
            invoice_currency=settings.value("request_network_invoice_currency"),
            payment_currency=settings.value("request_network_payment_currency"),
            itemized=settings.request_network_itemized,
        )
    except ValueError as error:
        raise SettingsError(str(error)) from None
    for sentence in request_network.warnings(account):
        log.warning("%s", sentence)
    return account


def _api(name: str, settings: Settings) -> str:
    if settings.environment == "sandbox":
        return f"{settings.sandbox_url}/{name}"
    return API[name][settings.environment]


ACCOUNTS: dict[str, Callable[[Settings], Any]] = {
    "mintcash": mintcash_account,
    "hitpay": hitpay_account,
    "wipay": wipay_account,
    "handcash": handcash_account,
    "request_network": request_network_account,
}
