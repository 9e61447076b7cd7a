"""Two hosts on one machine: this network namespace and another one, joined by a cable that can be cut.

A cut drops every packet silently, both ways, as a broken switch does: each side sends to a card that is not there.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from qconsole.redis.process import die_with
from qconsole.redis.topology import Place

HERE, THERE = "10.77.0.2", "10.77.0.1"
_NOBODY = "02:00:00:00:00:99"
_TOOLS = ("ip", "unshare", "nsenter")


def why_not() -> str | None:
    """Return why this machine cannot have two network namespaces, or None when it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux"
    if missing := [tool for tool in _TOOLS if shutil.which(tool) is None]:
        return f"needs {', '.join(missing)}"
    tried = subprocess.run(["unshare", "--net", "ip", "link", "set", "lo", "up"], capture_output=True, text=True)
    return tried.stderr.strip() or "namespaces are not allowed" if tried.returncode else None


class TwoHosts:
    """The other host while the block lasts. Run the program itself under `unshare --net`."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], preexec_fn=die_with(os.getpid()))
        own = Path("/proc/self/ns/net").readlink()
        while self._namespace.readlink() == own:
            time.sleep(0.005)

    @property
    def _namespace(self) -> Path:
        return Path(f"/proc/{self._holder.pid}/ns/net")

    @property
    def there(self) -> Place:
        """The other host."""
        return Place(THERE, ("nsenter", f"--net={self._namespace}"))

    @property
    def here(self) -> Place:
        """This host."""
        return Place(HERE)

    def __enter__(self) -> Self:
        _ip("link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", str(self._holder.pid))
        for place in (self.here, self.there):
            _ip("address", "add", f"{place.host}/24", "dev", "cable", place=place)
            _ip("link", "set", "cable", "up", place=place)
            _ip("link", "set", "lo", "up", place=place)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder.kill()
        self._holder.wait()

    def cut(self) -> None:
        """Drop all packets between the two."""
        for place, other in ((self.here, THERE), (self.there, HERE)):
            _ip("neighbour", "replace", other, "lladdr", _NOBODY, "nud", "permanent", "dev", "cable", place=place)

    def mend(self) -> None:
        """Let packets through again."""
        for place, other in ((self.here, THERE), (self.there, HERE)):
            _ip("neighbour", "delete", other, "dev", "cable", place=place)


def _ip(*words: str, place: Place | None = None) -> None:
    prefix: Sequence[str] = place.prefix if place else ()
    subprocess.run([*prefix, "ip", *words], check=True)
