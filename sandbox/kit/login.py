"""Who calls: an API's key, compared with that of the settings."""

from collections.abc import Callable
from typing import Any

from flask import request

from .checks import is_secret
from .provider import Provider


def login_with(provider: Provider[Any], setting: str, part: str) -> Callable[[], None]:
    """A ``login``: this part of ``Authorization`` must be the secret of that setting.

    :param part: "token" where it is sent as Bearer, "username" where it is a Basic one.
    """

    def login() -> None:
        given = getattr(request.authorization, part, None) or ""
        if not is_secret(given, getattr(provider.settings, setting).get_secret_value()):
            raise provider.refused(401)

    return login
