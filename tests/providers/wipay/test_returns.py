"""What the browser brings back from WiPay."""

import hashlib
import shutil
import subprocess
from dataclasses import replace

import pytest

from providers import wipay
from providers.contract import (
    News,
)
from providers.optional import Hint
from providers.wipay import api as wipay_api

from .case import (
    ACCOUNT,
    PAYMENT,
    TRANSACTION,
    VECTOR_HASH,
    fixture,
    md5,
)
from .reading import came_back


def test_the_documented_vector_proves_success_over_the_total_that_was_asked_for() -> None:
    news = came_back()

    assert isinstance(news, News)
    assert (news.status, news.amount, news.currency) == ("succeeded", 1000, "USD")
    assert news.provider_reference == TRANSACTION
    assert news.event_key is None


def test_what_was_debited_is_kept_for_the_record() -> None:
    """Fees and conversion change the total; the hash covers neither."""
    news = came_back(total="1.77", currency="TTD")

    assert isinstance(news, News)
    assert news.word == "return: success, 1.77 TTD with fees"
    assert (news.amount, news.currency) == (1000, "USD")


def test_the_vector_is_what_openssl_makes_of_it() -> None:
    openssl = shutil.which("openssl")
    assert openssl, "openssl is part of every system that these tests run on"
    made = subprocess.run(
        [openssl, "md5", "-r"],
        input=f"{TRANSACTION}10.00123".encode(),
        capture_output=True,
        check=True,
    )

    assert made.stdout.split()[0].decode() == VECTOR_HASH


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("", id="empty"),
        pytest.param(md5(f"{TRANSACTION}12.05123"), id="total_of_the_return"),
        pytest.param("ea90f3629171349a15c7a39496b9a242", id="total_of_the_return_as_published"),
        pytest.param(md5(f"{TRANSACTION}10123"), id="without_decimals"),
        pytest.param(md5(f"{TRANSACTION}10.0123"), id="one_decimal"),
        pytest.param(md5(f"{TRANSACTION}10.00"), id="without_the_key"),
        pytest.param(md5(f"{TRANSACTION}10.00124"), id="another_key"),
        pytest.param(md5(f"{TRANSACTION}1000123"), id="minor_units"),
        pytest.param(VECTOR_HASH.upper(), id="upper_case"),
        pytest.param(VECTOR_HASH[:-1], id="truncated"),
        pytest.param(VECTOR_HASH + "0", id="too_long"),
        pytest.param(hashlib.sha256(b"x").hexdigest(), id="the_other_hash_of_wapi"),
        pytest.param("é" * 32, id="not_ascii"),
        pytest.param("\ud800", id="half_a_character"),
    ],
)
def test_success_with_another_hash_proves_nothing(given: str) -> None:
    """A12."""
    assert came_back(hash=given) == Hint("return: success")


def test_success_without_a_hash_proves_nothing() -> None:
    """A12."""
    args = fixture("return_documented.json")
    del args["hash"]

    assert wipay.read_return(ACCOUNT, PAYMENT, args) == Hint("return: success")


def test_a_true_return_does_not_fit_another_order_of_the_same_price() -> None:
    """B4: same total, same key, their own transaction."""
    other = "SB-77-1-fedcba9876543210-20210616024001"
    theirs = replace(PAYMENT, provider_reference=other)

    assert isinstance(came_back(theirs), Hint)
    assert isinstance(came_back(theirs, transaction_id=other), Hint)
    assert isinstance(came_back(transaction_id=other, hash=md5(f"{other}10.00123")), Hint)


def test_a_true_return_does_not_fit_another_total() -> None:
    assert isinstance(came_back(replace(PAYMENT, amount=1001)), Hint)


@pytest.mark.parametrize("status", ["failed", "error", "cancelled", "SUCCESS", "success ", ""])
def test_whatever_is_no_success_is_a_hint_with_any_hash(status: str) -> None:
    """A12: WiPay does not sign failures, so anyone can type one."""
    assert isinstance(came_back(status=status), Hint)


def test_the_documented_failure_is_a_hint() -> None:
    args = fixture("return_failed.json")
    payment = replace(PAYMENT, provider_reference=args["transaction_id"])

    assert wipay.read_return(ACCOUNT, payment, args) == Hint("return: failed", "failed")


def test_nothing_is_proven_before_there_is_a_transaction() -> None:
    unnamed = replace(PAYMENT, provider_reference=None)

    assert isinstance(came_back(unnamed, transaction_id="", hash=md5("10.00123")), Hint)
    assert isinstance(came_back(unnamed, transaction_id="None", hash=md5("None10.00123")), Hint)


def test_nothing_is_proven_without_a_key() -> None:
    """A4: anyone can compute the MD5 of what stands in the address."""
    keyless = replace(ACCOUNT, api_key="")
    args = fixture("return_documented.json") | {"hash": md5(f"{TRANSACTION}10.00")}

    assert isinstance(wipay.read_return(keyless, PAYMENT, args), Hint)


def test_a_return_has_room_in_its_key_for_the_longest_transaction() -> None:
    """P3: a key has 100 characters."""
    longest = f"SB-99-{'9' * 20}-{PAYMENT.reference}-20261121034501"

    assert wipay_api.SAFE_ID.fullmatch(longest)
    assert not wipay_api.SAFE_ID.fullmatch("a" * (101 - len("return::succeeded")))
