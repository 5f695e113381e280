"""The network: calls between shop, sandbox and browser go straight to the WSGI application."""

import io
from collections.abc import Callable
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

SHOP, SANDBOX = "http://127.0.0.1:5000", "http://127.0.0.1:5001"


class Wire(HTTPAdapter):
    """Every ``requests.Session`` of this process uses it, whatever was mounted.

    ``around``: called with the name of the application, the call, and what makes it; it may answer
    in its place.
    """

    def __init__(self, around: Callable[[str, str, Callable[[], Any]], Any]) -> None:
        super().__init__()
        self.around = around
        self.apps: dict[str, Flask] = {}

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        url = urlsplit(str(request.url))
        home = f"{url.scheme}://{url.netloc}"
        if home not in self.apps:
            raise requests.ConnectionError(f"{home} is not part of this world")
        name = {SHOP: "shop", SANDBOX: "sandbox"}[home]

        def answer() -> Any:
            return (
                self.apps[home]
                .test_client(use_cookies=False)
                .open(
                    url.path,
                    method=str(request.method),
                    base_url=home,
                    query_string=url.query,
                    headers=list(request.headers.items()),
                    data=request.body,
                )
            )

        found = self.around(name, f"{request.method} {url.path}", answer)
        raw = HTTPResponse(
            body=io.BytesIO(found.data),
            headers=HTTPHeaderDict(list(found.headers)),
            status=found.status_code,
            preload_content=False,
            original_response=_Head(found.headers),  # type: ignore[arg-type]
        )
        return self.build_response(request, raw)


class _Head:
    """What ``requests`` reads cookies from."""

    def __init__(self, headers: Any) -> None:
        self.msg = Message()
        for name, value in headers:
            self.msg.add_header(name, value)

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is open."""
