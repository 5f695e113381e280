"""The settings of HitPay: what they make of an account, what is shown, what may go live."""

import pytest

from tests.live import problems

from .case import (
    ACCOUNT,
    KEY,
    SALT,
    WEBHOOK_SALT,
)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hitpay_base_url": "https://api.sandbox.hit-pay.com"}, "HITPAY_BASE_URL must be"),
        (
            {"hitpay_page_origins": "https://securecheckout.sandbox.hit-pay.com"},
            "HITPAY_PAGE_ORIGINS holds",
        ),
        (
            {"hitpay_default_link": "https://securecheckout.sandbox.hit-pay.com/@me"},
            "HITPAY_DEFAULT_LINK is no address of a live system",
        ),
        ({"hitpay_default_link": "http://hit-pay.com/@me"}, "HITPAY_DEFAULT_LINK is no address"),
        ({"hitpay_default_link": "https://127.0.0.1/@me"}, "HITPAY_DEFAULT_LINK is no address"),
        ({"hitpay_salt": "salt.of.the.SANDBOX"}, "HITPAY_SALT is a test key"),
        ({"hitpay_api_key": "test_9f9f9f9f9f9f"}, "HITPAY_API_KEY is a test key"),
        ({"hitpay_salt": "12345"}, "HITPAY_SALT is too short"),
        ({"hitpay_webhook_salt": "long enough to be one, x"}, "HITPAY_WEBHOOK_SALT holds a space"),
        ({"hitpay_currencies": "SGD,EURO"}, "HITPAY_CURRENCIES holds 'EURO'"),
        ({"hitpay_qr_minutes": "0"}, "HITPAY_QR_MINUTES must be from 1 to"),
        ({"hitpay_drop_in": "perhaps"}, "HITPAY_DROP_IN must be true or false"),
    ],
)
def test_what_is_dangerous_is_refused_by_name(changes: dict[str, str], sentence: str) -> None:
    """N10, I8, T11."""
    (line,) = problems(**changes)

    assert line.startswith(sentence)


def test_the_account_does_not_show_its_secrets() -> None:
    """I1."""
    assert not any(secret in repr(ACCOUNT) for secret in (KEY, SALT, WEBHOOK_SALT))
