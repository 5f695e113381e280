"""WiPay's settings: where to find each, what must be there, and the account they make."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from ..settings import (
    BY_DASHBOARD,
    TWO_AT_A_TIME,
    ProviderSettings,
    Replaced,
    SandboxKey,
    SettingsError,
    Summary,
)
from ..urls import origin
from .api import CURRENCIES, HOSTS, Account

LIVE_APIS = tuple(each["live"] for each in HOSTS.values())

NEEDS = (("wipay_account_number",), ("wipay_api_key",))

#: Who owns the keys that WiPay's documentation prints for tests.
PUBLIC = "the public test account's"

SUMMARY = Summary(
    proven_by="the return, or a webhook",
    signed="MD5 of transaction id, requested total and key; HMAC-SHA256 for webhooks",
    amount="bound by the hash to what was asked",
    truth="WAPI, with a key of its own",
    ways="page; the browser's own form post with `WIPAY_MODE=form`; cards saved for a device",
    refunds="whole payments, decided later, with a WAPI key",
    left_page="closes after 3 minutes (5 with `WIPAY_AVS`); unknown is not failed for 240",
    webhook="on the merchant account; the return proves a payment without it",
    repeats="some time, not documented",
)


class Settings(ProviderSettings):
    wipay_base_url: str = Field(
        "",
        description="Default by country and PAYMENT_ENVIRONMENT, e.g. "
        "https://ttsb.wipayfinancial.com",
    )
    wipay_account_number: Annotated[str | None, SandboxKey("1234567890", PUBLIC)] = Field(
        None,
        description="Ten digits, on the WiPay profile. 1234567890 is WiPay's public test account, "
        "and refused live",
    )
    wipay_api_key: Annotated[
        SecretStr | None,
        SandboxKey("123", PUBLIC),
        Replaced(
            "one only: payments on their way lose the proof of their return; the webhook or WAPI "
            "finds them"
        ),
    ] = Field(
        None,
        description="On the WiPay profile; proves returns, and is never sent. 123 is the public "
        "test account's, and refused live",
    )
    wipay_country_code: Literal["BB", "GD", "GY", "JM", "TT"] = Field(
        "TT", description="BB, GD, GY, JM or TT: decides host and currencies"
    )
    wipay_fee_structure: Literal["customer_pay", "merchant_absorb", "split"] = Field(
        "merchant_absorb",
        description="Who pays WiPay's fee: customer_pay, merchant_absorb or split",
    )
    wipay_mode: Literal["json", "form"] = Field(
        "json",
        description="json: this shop sends WiPay the request; form: the shopper's browser does. "
        "Only json has a return that proves payment; form needs merchant_absorb, and a "
        "webhook or a WAPI key. Change it while no payment is open",
    )
    wipay_send_email: bool = Field(
        True,
        description="false: WiPay gets no e-mail address, and mails the shopper nothing. Version "
        "1.0.11 of its API requires one, 1.0.8 and 1.0.9 do not",
    )
    wipay_card_type: Literal["", "mastercard", "visa"] = Field(
        "",
        description="mastercard or visa: WiPay's page takes only these, and does not ask which. "
        "Documented for version 1.0.8",
    )
    wipay_avs: bool = Field(
        False,
        description="true: WiPay's page also checks the billing address (AVS), and lives five "
        "minutes instead of three; name and a parcel's address are sent along to fill it in",
    )
    wipay_webhook_secret: Annotated[
        SecretStr | None, SandboxKey("wipay_webhook_test_kiln_and_kettle"), TWO_AT_A_TIME
    ] = Field(
        None, description="Of a registered webhook endpoint; without it the return is the only news"
    )
    wipay_webhook_signs: Literal["body", "timestamp.body"] = Field(
        "body",
        description="What WiPay's webhooks sign: body or timestamp.body (two readings are "
        "documented; try the first). Only the second proves how old a delivery is; a "
        "replay changes nothing in either",
    )
    wipay_wapi_key: Annotated[
        SecretStr | None, SandboxKey("wapi_test_kiln_and_kettle"), BY_DASHBOARD
    ] = Field(
        None,
        description="X-WAPI-Key of a business account; without it WiPay cannot be asked about a "
        "payment, and there are neither refunds nor saved cards",
    )


def account(settings: Settings) -> Account | None:
    account_number = settings.value("wipay_account_number")
    api_key = settings.value("wipay_api_key")
    if not (account_number and api_key):
        return None
    country = settings.wipay_country_code
    environment = "live" if settings.environment == "live" else "sandbox"
    base_url = settings.api(
        "wipay", {"test": HOSTS[country]["sandbox"], "live": HOSTS[country]["live"]}
    )
    webhook_secrets = settings.values("wipay_webhook_secret")
    wapi_key = settings.value("wipay_wapi_key")
    if settings.wipay_mode == "form":
        if settings.wipay_fee_structure != "merchant_absorb":
            raise SettingsError(
                "WIPAY_FEE_STRUCTURE must be merchant_absorb when WIPAY_MODE is form: "
                "with a fee on top, a total that the shopper changed looks like one with a fee"
            )
        if not (webhook_secrets or wapi_key):
            raise SettingsError(
                "WIPAY_MODE is form, which needs WIPAY_WEBHOOK_SECRET or WIPAY_WAPI_KEY: "
                "the return does not prove in which currency was paid"
            )
    return Account(
        base_url=base_url,
        environment=environment,
        origins=(origin(base_url),),
        currencies=CURRENCIES[country],
        account_number=account_number,
        country_code=country,
        fee_structure=settings.wipay_fee_structure,
        mode=settings.wipay_mode,
        sends_email=settings.wipay_send_email,
        card_type=settings.wipay_card_type,
        avs=settings.wipay_avs,
        signs=settings.wipay_webhook_signs,
        api_key=api_key,
        webhook_secrets=webhook_secrets,
        wapi_key=wapi_key,
    )
