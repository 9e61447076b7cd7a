"""The console's sections, in the order of the side bar and of the keys 1…9 0."""

from typing import NamedTuple


class Section(NamedTuple):
    """One entry: its first path part, label, key, and the live count beside it (a path of the live feed)."""

    path: str
    label: str
    key: str
    live: str = ""


navigation = (
    Section("", "Overview", "1"),
    Section("queues", "Queues", "2", "totals|queues"),
    Section("jobs", "Jobs", "3"),
    Section("dlq", "Dead letters", "4", "totals|dead_letters"),
    Section("schedules", "Schedules", "5"),
    Section("flows", "Flows", "6"),
    Section("workers", "Workers", "7", "totals|workers"),
    Section("metrics", "Metrics", "8"),
    Section("operations", "Operations", "9", "totals|operations"),
    Section("trash", "Trash", ""),
    Section("audit", "Audit", ""),
    Section("events", "Events", ""),
    Section("settings", "Settings", "0"),
)
