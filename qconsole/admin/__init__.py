"""The admin service, behind every face. Imported when first asked for: filters and schemas alone need none of it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from qconsole.admin.admin import Admin, authenticate_token
    from qconsole.admin.views import Actor

__all__ = ["Actor", "Admin", "authenticate_token"]

_HOMES: Final = {"Actor": "views", "Admin": "admin", "authenticate_token": "admin"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
