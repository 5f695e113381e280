"""Which webhooks are believed: signatures, and bodies that fit them."""

import base64
import hashlib
import hmac
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from providers import mintcash
from providers.contract import (
    Unproven,
)

from .case import (
    ACCOUNT,
    VECTOR,
    VECTOR_SECRET,
    VECTOR_SIGNATURE,
    changed,
    sign,
)
from .reading import read


def test_the_vector_of_the_fact_sheet_is_accepted() -> None:
    (news,) = mintcash.read_webhook(ACCOUNT, {"x-signature": VECTOR_SIGNATURE}, VECTOR)

    assert (news.status, news.amount, news.currency) == ("succeeded", 4999, "USD")
    assert news.event_key == "00000000-0000-4000-8000-000000000001"
    assert news.reference == "order-1"


def test_a_signature_made_by_openssl_is_accepted() -> None:
    openssl = shutil.which("openssl")
    assert openssl, "openssl is part of every system that these tests run on"
    body = changed(createdAt="é — not ASCII").replace(b"\\u00e9", "é".encode())
    made = subprocess.run(
        [openssl, "dgst", "-sha256", "-hmac", VECTOR_SECRET, "-r"],
        input=body,
        capture_output=True,
        check=True,
    )

    (news,) = read(body, made.stdout.split()[0].decode())

    assert news.status == "succeeded"


def test_the_signer_of_these_tests_knows_rfc_4231_case_2() -> None:
    """The primitive itself, by an answer that neither we nor MintCash made."""
    known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

    assert sign(b"what do ya want for nothing?", "Jefe") == known


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda s: "", id="empty"),
        pytest.param(lambda s: s.upper(), id="upper_case"),
        pytest.param(lambda s: f"sha256={s}", id="prefixed"),
        pytest.param(lambda s: s[:-1], id="truncated"),
        pytest.param(lambda s: s + "0", id="too_long"),
        pytest.param(lambda s: f"{s}, {s}", id="two_of_them"),
        pytest.param(lambda s: base64.b64encode(bytes.fromhex(s)).decode(), id="base64"),
        pytest.param(lambda s: sign(VECTOR, "another"), id="wrong_secret"),
        pytest.param(lambda s: sign(VECTOR, ""), id="empty_secret"),
        pytest.param(
            lambda s: hmac.new(VECTOR_SECRET.encode(), VECTOR, hashlib.sha1).hexdigest(), id="sha1"
        ),
        pytest.param(lambda s: "é" * 64, id="not_ascii"),
    ],
)
def test_a_spoiled_signature_is_refused(spoil: Callable[[str], str]) -> None:
    """A1, A3."""
    with pytest.raises(Unproven):
        read(VECTOR, spoil(VECTOR_SIGNATURE))


def test_a_missing_signature_is_refused() -> None:
    """A1."""
    with pytest.raises(Unproven, match="missing"):
        mintcash.read_webhook(ACCOUNT, {}, VECTOR)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda b: b.replace(b"49.99", b"49.98"), id="amount"),
        pytest.param(lambda b: b + b" ", id="white_space_at_the_end"),
        pytest.param(lambda b: b.replace(b'":', b'": '), id="white_space_inside"),
        pytest.param(lambda b: json.dumps(json.loads(b)).encode(), id="re_serialised"),
        pytest.param(lambda b: b.replace(b"order-1", b"order\\u002d1"), id="escaped"),
        pytest.param(lambda b: b"", id="empty"),
    ],
)
def test_a_changed_body_is_refused_though_it_may_mean_the_same(
    spoil: Callable[[bytes], bytes],
) -> None:
    """A2, octokit/webhooks.js#71: what is signed are the bytes."""
    with pytest.raises(Unproven):
        read(spoil(VECTOR), VECTOR_SIGNATURE)


def test_while_a_secret_is_being_replaced_either_signs() -> None:
    """A6."""
    both = replace(ACCOUNT, signing_secrets=("new", VECTOR_SECRET))

    for secret in ("new", VECTOR_SECRET):
        assert mintcash.read_webhook(both, {"x-signature": sign(VECTOR, secret)}, VECTOR)
    with pytest.raises(Unproven):
        mintcash.read_webhook(
            replace(ACCOUNT, signing_secrets=("new",)), {"x-signature": VECTOR_SIGNATURE}, VECTOR
        )


def test_an_account_without_a_secret_believes_nothing() -> None:
    """A4: never an HMAC with an empty key."""
    without_secret = replace(ACCOUNT, signing_secrets=())

    with pytest.raises(Unproven):
        mintcash.read_webhook(without_secret, {"x-signature": sign(VECTOR, "")}, VECTOR)
