"""A provider's API that answers at once, so that the shop's own part of the work is measured."""

import uuid

from flask import Flask, request
from flask.typing import ResponseReturnValue

from tests.providers import cases
from tests.usual import PROVIDER


def create_app() -> Flask:
    """As the provider of ``tests/usual.py``; keeps nothing: whatever it is asked about is paid."""
    api = Flask(__name__, static_folder=None)

    @api.post("/payments")
    def create() -> ResponseReturnValue:
        asked = request.get_json()
        reference = uuid.uuid4().hex
        return {
            "id": reference,
            "externalId": asked["externalId"],
            "status": "created",
            "amount": asked["amount"] / 100,
            "currency": asked["currency"],
            "redirectUrl": f"{request.host_url}pay/{reference}",
        }

    @api.get("/payments/<reference>")
    def fetch(reference: str) -> ResponseReturnValue:
        return {**cases()[PROVIDER].found.body, "id": reference}

    @api.get("/healthz")
    def healthz() -> str:
        return "ok"

    return api
