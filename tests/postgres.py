"""A PostgreSQL server for the tests, and databases on it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import make_url

from database import db
from tools import postgres


@contextmanager
def server() -> Iterator[str]:
    """Yields a ``postgresql://`` URL whose user may create databases: the one named, or our own."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        yield named
        return
    with postgres.server() as own:
        yield own.url


@contextmanager
def database(server_url: str, name: str) -> Iterator[str]:
    """A new database on the server, dropped at the end."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            url = make_url(server_url).set(database=name)
            yield url.render_as_string(hide_password=False)
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def remember(url: str) -> None:
    """Keep a copy of the shelf as it is now, for :func:`restore`."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA pristine")
        for table in ("products", "prices"):
            connection.execute(f"CREATE TABLE pristine.{table} AS TABLE public.{table}".encode())


def restore(url: str) -> None:
    """Empty every table and put the shelf back: much faster than a new database for each test."""
    with psycopg.connect(url) as connection:
        for table in reversed(db.metadata.sorted_tables):
            connection.execute(f"DELETE FROM {table.name}".encode())
        for table in ("products", "prices"):
            connection.execute(f"INSERT INTO {table} TABLE pristine.{table}".encode())
