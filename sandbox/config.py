"""Every setting of the sandbox: its name in the environment (or ``.env``), default and meaning.

Settings that decide what a provider's documentation leaves open carry that provider's name and
stand in its folder; the front page lists them all with their sentences.
"""

from typing import Any

from pydantic import ValidationError, create_model

from . import settings
from .registry import PROVIDERS
from .settings import SettingsError

__all__ = ["Settings", "SettingsError", "load"]

#: All of them in one: it passes for the settings of each provider.
Settings: type[settings.Settings] = create_model(
    "Settings",
    __base__=tuple(dict.fromkeys(each.settings_type for each in reversed(PROVIDERS.values()))),
)


def load(**overrides: Any) -> settings.Settings:
    """Read the settings; ``overrides`` win over the environment.

    :raise SettingsError: a setting makes no sense; a line for each says which.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = [f"{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors()]
        raise SettingsError("\n".join(lines)) from None  # the cause would quote the values
