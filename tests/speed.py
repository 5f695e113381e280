"""What makes the tests fast: work that every new shop would do again is kept for the next one.

Only caches: the shop behaves the same without them. What one saves is CPU time of
``pytest --quick tests/views``: 390 tests in 21 s, measured with all of them and without that one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from werkzeug.routing import Rule

import config


class Bytecode(BytecodeCache):
    """In memory, for all the shops and sandboxes that the tests open one after the other."""

    def __init__(self) -> None:
        self.code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.code:
            bucket.bytecode_from_string(self.code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.code[bucket.key] = bucket.bytecode_to_string()


@contextmanager
def compiled_templates() -> Iterator[None]:
    """Saves 11 s: Jinja compiles a template for each new app."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": Bytecode()})
        yield


@contextmanager
def compiled_routes() -> Iterator[None]:
    """Saves 3 s: Werkzeug writes and compiles two functions for each rule of each new app."""
    compile_route = Rule._compile_builder
    routes: dict[str, Any] = {}

    def compile_once(rule: Rule, append_unknown: bool = True) -> Any:
        key = repr((rule._trace, rule.defaults, append_unknown))
        if key not in routes:
            routes[key] = compile_route(rule, append_unknown)
        return routes[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", compile_once)
        yield


@contextmanager
def compiled_statements() -> Iterator[None]:
    """Saves 9 s: SQLAlchemy keeps compiled statements, but each engine its own."""
    make_engine = SQLAlchemy._make_engine
    statements: dict[Any, Any] = {}

    def share_statements(*arguments: Any) -> Engine:
        engine = make_engine(*arguments)
        engine.update_execution_options(compiled_cache=statements)
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SQLAlchemy, "_make_engine", share_statements)
        # A statement is stored under its dialect, and each engine makes a dialect for itself.
        patch.setattr(DefaultDialect, "__hash__", lambda self: hash(type(self)))
        patch.setattr(DefaultDialect, "__eq__", lambda self, other: type(self) is type(other))
        yield


@pytest.fixture(scope="session")
def settings_of_sandbox(no_settings_of_this_machine: None) -> config.Settings:
    """Saves 1 s: eighty settings are read and checked once; a shop gets a changed copy."""
    return config.load()
