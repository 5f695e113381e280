"""The settings of HandCash: what they make of an account, what is shown, what may go live."""

import pytest

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
