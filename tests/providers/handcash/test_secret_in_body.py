"""HandCash's proof: the app's secret inside the body, compared and never kept."""

import json
from dataclasses import replace

import pytest

from providers import handcash
from providers.contract import (
    Unproven,
)

from .case import (
    ACCOUNT,
    SECRET,
    changed,
    fixture,
)
from .reading import read


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(..., id="missing"),
        pytest.param(None, id="null"),
        pytest.param("", id="empty"),
        pytest.param([SECRET], id="list"),
        pytest.param({"appSecret": SECRET}, id="object"),
        pytest.param(1, id="number"),
        pytest.param(True, id="boolean"),
        pytest.param("another", id="another"),
        pytest.param(SECRET + "1", id="longer_with_ours_as_prefix"),
        pytest.param(SECRET[:-1], id="prefix_of_ours"),
        pytest.param(SECRET.upper(), id="upper_case"),
        pytest.param(f" {SECRET}", id="white_space"),
        pytest.param("é" * 12, id="not_ascii"),
        pytest.param("\ud800", id="half_a_character"),
    ],
)
def test_a_body_that_does_not_hold_our_secret_is_refused(given: object) -> None:
    """A13: 401, and nothing raises but :class:`Unproven`."""
    with pytest.raises(Unproven) as refused:
        read(changed(appSecret=given))

    assert refused.value.http_status == 401
    assert SECRET not in str(refused.value)


def test_the_secret_counts_in_the_body_only() -> None:
    with pytest.raises(Unproven):
        handcash.read_webhook(ACCOUNT, {"app-secret": SECRET}, changed(appSecret=...))


def test_the_secret_counts_at_the_top_only() -> None:
    with pytest.raises(Unproven):
        read(changed(appSecret=..., customParameters={"appSecret": SECRET}))


def test_while_a_secret_is_being_replaced_either_is_accepted() -> None:
    """A6."""
    both = replace(ACCOUNT, app_secrets=("new", SECRET))

    for secret in ("new", SECRET):
        assert handcash.read_webhook(both, {}, changed(appSecret=secret))
    with pytest.raises(Unproven):
        handcash.read_webhook(replace(ACCOUNT, app_secrets=("new",)), {}, changed())


@pytest.mark.parametrize("given", ["", None, ..., SECRET])
@pytest.mark.parametrize("ours", [(), ("",)])
def test_an_account_without_a_secret_believes_nothing(ours: tuple[str, ...], given: object) -> None:
    """A4."""
    with pytest.raises(Unproven):
        handcash.read_webhook(replace(ACCOUNT, app_secrets=ours), {}, changed(appSecret=given))


def test_what_is_kept_is_the_delivery_without_the_secret() -> None:
    """H5."""
    kept = handcash.keep_body(ACCOUNT, changed(note="é\x00\ud800", rate=1.5))

    event = fixture("completed_documented.json") | {"note": "é\x00\ud800", "rate": "1.5"}
    del event["appSecret"]
    assert json.loads(kept) == event
    assert kept.isascii()
    assert kept.isprintable()
