"""A furnished Redis and consoles on it, as the web's tests have them; the nouns of the service."""

import importlib
import inspect
import re
from functools import cached_property

from qconsole.admin import Admin
from tests.web.conftest import console_of, fresh, picture, web

__all__ = ["console_of", "fresh", "picture", "web"]


def nouns() -> dict[str, type]:
    """Every noun of the service with its class, which its attribute imports when it is first asked for."""
    found = {}
    for name, value in vars(Admin).items():
        if isinstance(value, cached_property):
            named = re.search(r"from (\S+) import (\w+)", inspect.getsource(value.func))
            assert named is not None, name
            found[name] = getattr(importlib.import_module(named[1]), named[2])
    return found
