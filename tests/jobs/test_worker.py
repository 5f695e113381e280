"""The worker process: it has threads enough that our own work waits for no slow provider."""

import os
from functools import partial
from pathlib import Path

import pytest
from flask import Flask

import config
import jobs
from jobs import outbox, worker
from models import Download
from tools import run

from ..books import Books
from ..browser.site import eventually
from ..processes import running
from ..purchases import COOKBOOK, pay_for_e_book
from ..slow_servers import drip, say_nothing, server


def test_a_worker_has_more_threads_than_lanes(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """T08: five providers and a mail server that hang do not share the last thread."""
    started: list[int] = []
    monkeypatch.setattr(os, "nice", lambda _: None)
    monkeypatch.setattr(worker.Worker, "run", lambda worker: started.append(worker.workers))

    jobs.run_worker(app)

    (threads,) = started
    assert threads > len([*app.extensions["providers"], outbox.REFUNDS, outbox.MAIL])


def has_downloads(books: Books, count: int) -> bool:
    return books.count(Download) == count


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_real_worker_opens_downloads_while_mail_server_and_provider_hang(
    app: Flask, settings: config.Settings, books: Books, tmp_path: Path
) -> None:
    """S08, T08: the lease is long, so that everything hangs from before to after."""
    with server(say_nothing) as hole, server(drip(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n")) as dripping:
        more = {
            "SMTP_URL": hole.replace("http:", "smtp:"),
            "MINTCASH_BASE_URL": dripping,
            "LEASE_SECONDS": "600",
        }
        for _ in range(4):
            books.place_order(COOKBOOK)
        books.make_checks_due()
        with running(run.WORKER, settings, tmp_path, **more):
            for bought in range(1, 8):
                pay_for_e_book(app, books)
                with app.app_context():
                    jobs.wake_fulfilment()
                eventually(partial(has_downloads, books, bought), "the download is open")

            letters = [task for task in books.tasks if task.kind == "send_receipt"]
            assert {task.last_error for task in letters} == {None}, "the first still hangs"
