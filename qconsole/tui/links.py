"""The web console's address of what the terminal shows."""

import re
from urllib.parse import urlencode

from qconsole.config import Settings
from qconsole.tui.location import Location
from qconsole.tui.subject import Subject

BASE = "/admin/queues"
_PATHS = {
    "overview": "/",
    "queues": "/queues",
    "jobs": "/jobs",
    "groups": "/dlq",
    "dlq": "/dlq/entries",
    "schedules": "/schedules",
    "flows": "/flows",
    "workers": "/workers",
    "metrics": "/metrics",
    "operations": "/operations",
    "audit": "/audit",
    "events": "/events",
    "trash": "/trash",
    "settings": "/settings",
    "doctor": "/settings",
}
_ONE = {
    "queue": "/queues/{id}",
    "job": "/jobs/{queue}/{id}",
    "dead-letter": "/dlq/entries/{id}",
    "schedule": "/schedules/{queue}/{id}",
    "flow": "/flows/{queue}/{id}",
    "worker": "/workers/{id}",
    "operation": "/operations/{id}",
}


_SAFE = re.compile(rb"[A-Za-z0-9_.:@+=,-]")


def _segment(name: str) -> str:
    """Return a name as one path segment, the way the web console reads it back: unsafe bytes as `~XX`."""
    raw = name.encode("utf-8", "surrogateescape")
    escaped = "".join(chr(byte) if _SAFE.match(bytes((byte,))) else f"~{byte:02X}" for byte in raw)
    return "~2E" + escaped[1:] if escaped.startswith(".") else escaped


def web_address(settings: Settings, location: Location, subject: Subject | None) -> str:
    """Return the address of a place, or of the single thing that is selected on it."""
    base = (settings.web_url or f"http://{settings.web_host}:{settings.web_port}").rstrip("/")
    if not base.endswith(BASE):
        base += BASE
    template = _ONE.get(location.kind)
    if template is not None and location.target is not None:
        queue = location.queue or (subject.queue if subject is not None else None) or "-"
        return base + template.format(id=_segment(location.target), queue=_segment(queue))
    query = "?" + urlencode({"filter": location.filter}) if location.filter else ""
    return base + _PATHS.get(location.kind, "/") + query
