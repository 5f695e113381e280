"""Codes to scan on a page of ours."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
import responses

from providers import hitpay
from providers.contract import (
    Qr,
    Unreachable,
)

from ..contract import URLS
from .case import (
    ACCOUNT,
    API,
    fixture,
)
from .reading import BY_QR, PAYLOAD


def start_qr(api: responses.RequestsMock, data: Any) -> Any:
    changes = {"qr_code_data": data, "payment_methods": ["paynow_online"]}
    api.post(API, json=fixture("created.json", **changes))
    return hitpay.start_checkout(ACCOUNT, BY_QR, URLS).next_action


@pytest.mark.parametrize(
    ("changes", "offered"),
    [
        ({}, True),
        ({"payment_methods": ()}, True),
        ({"payment_methods": ("card",)}, False),
        ({"currencies": ("USD",)}, False),
    ],
)
def test_paynow_is_a_way_of_its_own_where_the_account_has_it(
    changes: dict[str, Any], offered: bool
) -> None:
    methods = hitpay.capabilities(replace(ACCOUNT, **changes)).methods

    assert [(each.key, each.currencies) for each in methods] == [("qr", ("SGD",))] * offered


def test_a_qr_code_is_asked_for_with_one_method_and_singapores_time(
    api: responses.RequestsMock,
) -> None:
    before = datetime.now(UTC)

    way = start_qr(api, {"qr_code": PAYLOAD, "qr_code_expiry": None, "qr_image_mime": None})

    sent = parse_qsl(str(api.calls[0].request.body), strict_parsing=True)
    assert [value for name, value in sent if name == "payment_methods[]"] == ["paynow_online"]
    assert ("generate_qr", "true") in sent
    assert "expires_after" not in dict(sent)
    asked = datetime.strptime(dict(sent)["expiry_date"] + " +0800", "%Y-%m-%d %H:%M:%S %z")
    assert abs(asked - before - timedelta(minutes=5)) < timedelta(seconds=5)
    assert way == Qr(fixture("created.json")["url"], PAYLOAD, asked)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2030-05-21T09:02:25Z", datetime(2030, 5, 21, 9, 2, 25, tzinfo=UTC)),
        ("2030-05-21T17:02:25", datetime(2030, 5, 21, 9, 2, 25, tzinfo=UTC)),
        ("2030-05-21 17:02:25", datetime(2030, 5, 21, 9, 2, 25, tzinfo=UTC)),
    ],
)
def test_a_qr_code_ends_when_hitpay_says_so(
    api: responses.RequestsMock, told: str, expected: datetime
) -> None:
    way = start_qr(api, {"qr_code": PAYLOAD, "qr_code_expiry": told})

    assert (way.expires_at, way.expires_at.tzinfo) == (expected, UTC)


@pytest.mark.parametrize("told", [None, "", "soon", 5, "0001-01-01T00:00:00+08:00", ["x"]])
def test_a_time_that_cannot_be_read_is_the_one_we_asked_for(
    api: responses.RequestsMock, told: object
) -> None:
    way = start_qr(api, {"qr_code": PAYLOAD, "qr_code_expiry": told})

    left = way.expires_at - datetime.now(UTC)
    assert timedelta(minutes=4) < left <= timedelta(minutes=5)


@pytest.mark.parametrize("data", [PAYLOAD, {"qr_contents": PAYLOAD}])
def test_a_qr_code_may_be_told_in_other_shapes(api: responses.RequestsMock, data: object) -> None:
    assert start_qr(api, data).payload == PAYLOAD


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(None, id="none"),
        pytest.param({}, id="empty"),
        pytest.param({"qr_code": None}, id="null"),
        pytest.param({"qr_code": 7}, id="number"),
        pytest.param({"qr_code": "iVBORw0KGgo="}, id="picture"),
        pytest.param("iVBORw0KGgo=", id="bare_picture"),
        pytest.param({"qr_code": "x" * 2001}, id="too_long_to_draw"),
        pytest.param({"qr_code": "\ud800"}, id="half_a_character"),
        pytest.param([PAYLOAD], id="list"),
    ],
)
def test_an_answer_without_a_code_to_draw_is_no_answer(
    api: responses.RequestsMock, data: object
) -> None:
    with pytest.raises(Unreachable, match="QR code"):
        start_qr(api, data)
