"""``providers/proven.py``: how news was proven, in words."""

from dataclasses import FrozenInstanceError, asdict

import pytest

from providers.proven import Proof


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        (Proof("x-signature", "HMAC-SHA256", "the raw body"), "x-signature, HMAC-SHA256 over the"),
        (Proof("appSecret", "the secret itself"), "appSecret, the secret itself"),
        (Proof("the provider's own answer to GET /1"), "the provider's own answer to GET /1"),
    ],
)
def test_a_proof_is_said_in_as_many_words_as_there_are(proof: Proof, said: str) -> None:
    assert str(proof).startswith(said)
    assert not str(proof).endswith((",", "over", " "))


def test_a_proof_is_stored_and_read_again() -> None:
    proof = Proof("hash", "MD5", "transaction id and key")

    assert Proof(**asdict(proof)) == proof
    with pytest.raises(FrozenInstanceError):
        proof.where = "another"  # type: ignore[misc]
