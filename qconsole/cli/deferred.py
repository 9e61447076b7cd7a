"""Puts off imports that other libraries do and a command never needs: they count in every start-up."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Deferred(ModuleType):
    """Stands for a module until something is asked of it (`importlib.util.LazyLoader` loads at the first `import`)."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def defer(name: str) -> None:
    """Import a module only when something is first asked of it; one that is there already stays."""
    sys.modules.setdefault(name, _Deferred(name))
