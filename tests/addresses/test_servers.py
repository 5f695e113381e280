"""Addresses of databases, queues and mail servers: one spelling each, no secret in an error."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from addresses import servers

SMTP = ("smtp", "smtps")


def test_a_server_is_known_by_its_parts() -> None:
    found = servers.server("smtp://u:p%40ss@mail.example:587", SMTP, "smtp://host")

    assert (found.scheme, found.hostname, found.port) == ("smtp", "mail.example", 587)
    assert (found.username, found.password) == ("u", "p%40ss")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "mail.example",
            "http://mail.example",
            "smtp://",
            "smtp://host:port",
            "smtp://host:0",
        ),
        *("smtp://u:canary@ho st", "smtp://u:canary#x@host", "smtp://u:canary/x@host\n"),
    ],
)
def test_what_is_no_server_is_said_by_an_example_and_not_quoted(url: str) -> None:
    """T11: an address may hold a password."""
    with pytest.raises(ValueError, match="is not an address like smtp://host") as refused:
        servers.server(url, SMTP, "smtp://host")

    assert "canary" not in str(refused.value)


def test_a_relative_file_begins_in_the_folder_of_the_shop() -> None:
    found = servers.sqlite("sqlite:///var/shop.db", Path("/srv/shop"))

    assert found == "sqlite:////srv/shop/var/shop.db"
    assert servers.sqlite(found, Path("/elsewhere")) == found


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "no address"])
def test_a_database_that_no_other_process_could_open_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="names no file"):
        servers.sqlite(url, Path("/srv/shop"))


@pytest.mark.parametrize("name", ["50%", "a#b", "a?b", "it's", "ü & x"])
def test_a_path_becomes_an_address_and_is_a_path_again(name: str) -> None:
    """S19."""
    path = Path("/srv") / name / "shop.db"

    assert make_url(servers.sqlite_url(path)).database == str(path)


def test_a_database_server_is_spelt_for_the_driver() -> None:
    """N10: hosting panels print ``postgres://``."""
    found = servers.database_server("postgres://u:p%40ss@host/shop", "postgresql+psycopg")

    assert found == "postgresql+psycopg://u:p%40ss@host/shop"


def test_a_database_server_that_cannot_be_read_is_not_quoted() -> None:
    """I1."""
    with pytest.raises(ValueError, match=r"is no postgresql:// address") as refused:
        servers.database_server("postgresql://u:canary@host:canary/shop", "postgresql+psycopg")

    assert "canary" not in str(refused.value)
