"""The service's own reading scripts, by name; they change nothing."""

from functools import cache
from importlib.resources import files

from qconsole.runtime.scripts import Script


@cache
def read_script(name: str) -> Script:
    """Return the script of `lua/<name>.lua` in this package."""
    path = files("qconsole.admin") / "lua" / f"{name}.lua"
    return Script(f"admin/{name}", path.read_text(encoding="utf-8"))
