"""Makes the tables of docs/performance.md from docs/measured/: python -m tests.benchmarks.tables.

A block of the page begins with `<!-- measured: NAME -->` and ends with `<!-- end -->`; what stands between is replaced.
A block whose file is missing is left as it is.
"""

import json
import re
import statistics
from collections.abc import Callable
from pathlib import Path
from textwrap import fill
from typing import Any, Final

from tests.benchmarks.__main__ import PICKUP, PLAN, Row

ROOT: Final = Path(__file__).parents[2]
MEASURED: Final = ROOT / "docs/measured"
PAGE: Final = ROOT / "docs/performance.md"
WIDTH: Final = 120
_BLOCK: Final = re.compile(r"(<!-- measured: (\S+) -->\n).*?(\n<!-- end -->)", re.DOTALL)
PYTHON_PEERS: Final = ("saq", "taskiq", "dramatiq", "streaq", "celery", "rq")
RATE_AIMS: Final = {
    "process, concurrency 10 (jobs/s)": (1.2, 10),
    "two processes, concurrency 10 each (jobs/s)": (2, 12),
    "process, default logging on; BullMQ logs nothing (jobs/s)": (1, 6),
    "process, append-only file synced every second (jobs/s)": (1.2, 8),
    "enqueue one by one (jobs/s)": (1.2, 2),
    "enqueue in bulk (jobs/s)": (2, 12),
}
"""By the row's title: how many times BullMQ and arq tuned."""
BEST_PEER_AIM: Final = 4
PICKUP_AIM_MS: Final = (1.5, 4.0)
SERVER_AIM_US: Final = 45
PAGE_AIM_MS: Final = 5
BULK_AIMS_S: Final = {"retry": 4, "remove": 2}
PING_AIM_MS: Final = 10
START_UP_AIMS: Final = {"qconsole --help": 6, "qconsole --version": 10}
KEY_AIM_MS: Final = 16
FIRST_PAINT_AIM_S: Final = 0.5
Seen = dict[tuple[str, str], list[dict[str, Any]]]


def make(page: str, folder: Path) -> str:
    """Return the page with its tables as the folder's files have them."""

    def replaced(found: re.Match[str]) -> str:
        name = found[2]
        file = folder / f"{name.partition('.')[0]}.json"
        if not file.exists():
            return found[0]
        return found[1] + TABLES[name](json.loads(file.read_text(encoding="utf-8"))) + found[3]

    return _BLOCK.sub(replaced, page)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def about(raw: dict[str, Any]) -> str:
    """Return when, where and how something was measured, as one paragraph."""
    versions = ", ".join(f"{name} {version}" for name, version in raw["versions"].items())
    load = " and ".join(f"{load:.1f}" for load in raw["load"])
    text = (
        f"{raw['begun'][:10]}, `{raw['command']}`, {raw['minutes']:g} minutes, the machine's load before and after "
        f"{load}, its own included. {raw['machine']}. {versions}."
    )
    return fill(text, WIDTH, break_on_hyphens=False)


def _word(is_met: bool) -> str:
    return "met" if is_met else "missed"


# peers


def _seen(raw: dict[str, Any]) -> Seen:
    return {(cell["subject"], cell["what"]): cell["taken"] for cell in raw["figures"]["cells"]}


def _median(seen: Seen, subject: str, what: str, figure: str) -> float | None:
    values = [taken[figure] for taken in seen.get((subject, what), ()) if figure in taken]
    return statistics.median(values) if values else None


def _of_row(seen: Seen, row: Row, subject: str, figure: str = "rate") -> float | None:
    what = row.of.get(subject)
    return None if what is None else _median(seen, subject, what[0], figure)


def _ranged(seen: Seen, row: Row, subject: str) -> str:
    if subject not in row.of or not (taken := seen.get((subject, row.of[subject][0]))):
        return ""
    rates = [figures["rate"] for figures in taken]
    return f"{statistics.median(rates):,.0f} ({min(rates):,.0f}–{max(rates):,.0f})"


def _times(ours: float | None, theirs: float | None) -> str:
    return f"{ours / theirs:.1f}×" if ours and theirs else ""


def throughput(raw: dict[str, Any]) -> str:
    """Return jobs a second of everybody, with ours' ratios and aims."""
    seen, rows = _seen(raw), []
    for row in PLAN:
        if row.figure != "rate":
            continue
        for subject in ("ours", "ours-arq-app"):
            if _of_row(seen, row, subject) is not None:
                rows.append(_throughput_row(seen, row, subject))
    head = ["measure", "arq tuned", "best Python peer", "BullMQ", "ours", "÷ BullMQ", "÷ arq", "÷ best peer", "aims"]
    return about(raw) + "\n\n" + table(head, rows)


def _throughput_row(seen: Seen, row: Row, subject: str) -> list[str]:
    ours, arq, bull = (_of_row(seen, row, name) for name in (subject, "arq-tuned", "bullmq"))
    peers = {peer: rate for peer in PYTHON_PEERS if (rate := _of_row(seen, row, peer)) is not None}
    best = max(peers, key=lambda peer: peers[peer], default="")
    aims, said = RATE_AIMS.get(row.title), ""
    if aims and subject == "ours":
        wanted = [("BullMQ", aims[0], bull), ("arq", aims[1], arq)]
        if row is PLAN[0]:
            wanted.append((best, BEST_PEER_AIM, peers.get(best)))
        said = ", ".join(
            f"{name} {aim:g}× {_word(ours >= aim * theirs)}" for name, aim, theirs in wanted if ours and theirs
        )
    title = row.title.removesuffix(" (jobs/s)")
    return [
        title if subject == "ours" else "the same, an unchanged arq app on our worker",
        _ranged(seen, row, "arq-tuned"),
        f"{best} {peers[best]:,.0f}" if best else "",
        _ranged(seen, row, "bullmq"),
        _ranged(seen, row, subject),
        _times(ours, bull),
        _times(ours, arq),
        _times(ours, peers.get(best)),
        said,
    ]


def peers_at_10(raw: dict[str, Any]) -> str:
    """Return everybody's jobs a second at concurrency 10, the fastest first."""
    seen, row = _seen(raw), PLAN[0]
    rates = {subject: rate for subject in row.of if (rate := _of_row(seen, row, subject)) is not None}
    ordered = sorted(rates, key=lambda subject: -rates[subject])
    text = "Jobs a second at concurrency 10: " + ", ".join(f"{name} {rates[name]:,.0f}" for name in ordered) + "."
    return fill(text, WIDTH, break_on_hyphens=False)


def pickup(raw: dict[str, Any]) -> str:
    """Return the time from enqueue to start of everybody, ours first."""
    seen, shown = _seen(raw), {}
    for subject, (what, _) in PICKUP.items():
        p50, p99 = (_median(seen, subject, what, figure) for figure in ("p50", "p99"))
        if p50 is not None and p99 is not None:
            shown[subject] = (p50, p99)
    ordered = sorted(shown, key=lambda subject: (subject != "ours", shown[subject]))
    rows = [[f"p{(50, 99)[i]}", *(f"{shown[subject][i]:.1f}" for subject in ordered)] for i in (0, 1)]
    made = table(["ms", *ordered], rows)
    if "ours" in shown:
        words = [_word(round(shown["ours"][i], 2) <= PICKUP_AIM_MS[i]) for i in (0, 1)]
        made += f"\n\nThe aims are {PICKUP_AIM_MS[0]:g} ms ({words[0]}) and {PICKUP_AIM_MS[1]:g} ms ({words[1]})."
    return made


def costs(raw: dict[str, Any]) -> str:
    """Return what a job costs, ours beside arq."""
    seen = _seen(raw)
    tens, hundreds = "process", "process concurrency=100"

    def cell(subject: str, what: str, figure: str, digits: int) -> str:
        uv = "" if subject == "arq-tuned" else " loop=uvloop"
        value = _median(seen, subject, what + uv, figure)
        return "" if value is None else f"{value:,.{digits}f}"

    rows = []
    for title, whats, figure, digits in (
        ("commands per job worked, those inside scripts included", (tens, hundreds), "commands", 1),
        ("scripts per job worked, which are the round trips", (tens, hundreds), "scripts", 2),
        ("worker CPU µs per job worked", (tens, hundreds), "worker_us", 0),
        ("server CPU µs per job worked", (tens, hundreds), "server_us", 0),
        ("bytes of the data set per waiting / completed job", (), "", 0),
    ):
        line = [title]
        for subject in ("ours", "arq-tuned"):
            cells = [cell(subject, what, figure, digits) for what in whats]
            if not whats:
                cells = [cell(subject, tens, name, 0) for name in ("waiting_bytes", "completed_bytes")]
            line.append(" / ".join(cells) if any(cells) else "")
        rows.append(line)
    rows.append(
        [
            "worker CPU µs per job worked with two lines of logging, concurrency 10",
            cell("ours", "process logging=ours", "worker_us", 0),
            cell("arq-tuned", "process logging=arq", "worker_us", 0),
        ]
    )
    made = table(["per job, concurrency 10 / 100", "ours", "arq tuned"], rows)
    server = _median(seen, "ours", tens + " loop=uvloop", "server_us")
    if server is None:
        return made
    is_met = _word(round(server) <= SERVER_AIM_US)
    return f"{made}\n\nThe aim of {SERVER_AIM_US} µs of the server at concurrency 10 is {is_met}."


def limits(raw: dict[str, Any]) -> str:
    """Return ours beside the smallest script that claims and settles."""
    seen, rows = _seen(raw), []
    for many in (1, 10, 100):
        what = "process loop=uvloop" if many == 10 else f"process concurrency={many} loop=uvloop"
        figures = {
            subject: [_median(seen, subject, what, figure) for figure in ("rate", "worker_us", "server_us")]
            for subject in ("bare", "ours")
        }
        if all(None not in of for of in figures.values()):
            cells = [[f"{of[0]:,.0f}", f"{of[1]:.0f} / {of[2]:.0f}"] for of in figures.values()]
            share = figures["ours"][0] / figures["bare"][0]  # type: ignore[operator]
            rows.append([f"concurrency {many}", *cells[0], *cells[1], f"{share:.0%}"])
    cost = "worker / server µs a job"
    return table(["", "bare: jobs/s", cost, "ours: jobs/s", cost, "share of the limit"], rows)


# console


def console(raw: dict[str, Any]) -> str:
    """Return the times of pages, filters, counts and bulk actions."""
    figures = raw["figures"]
    times, filled = figures["times"], figures["filled"]
    rows = []
    for title, of in times.items():
        if "p50" not in of:
            continue
        is_page = title.partition(",")[2].strip() in ("start", "middle", "end", "before the end")
        is_group = title == "state:failed fp:fp7"
        aim = PAGE_AIM_MS if is_page else 100 if is_group else None
        told = f"≤ {aim} ms: {_word(of['p50'] <= aim)}" if aim else ""
        extra = f"{of['commands']:.0f} commands, those inside scripts included" if "commands" in of else ""
        name = f"page of 50, {title}" if is_page else title if title[:4] in ("dead", "live") else f"`{title}`"
        rows.append([name, f"{of['p50']:,.1f} ms", f"{of['p95']:,.1f} ms", f"{of['first']:,.1f} ms", told or extra])
    for verb, aim_s in BULK_AIMS_S.items():
        of = times[verb]
        ping = f"worst ping {of['worst_ms']:.1f} ms (≤ {PING_AIM_MS}: {_word(of['worst_ms'] <= PING_AIM_MS)})"
        took = f"≤ {aim_s} s: {_word(of['seconds'] <= aim_s)}; {ping}"
        rows.append(
            [f"{verb} {of['jobs']:,} jobs, with audit, progress and trash", f"{of['seconds']:.2f} s", "", "", took]
        )
    rows.append(["worst ping of an idle server", f"{times['nothing']['worst_ms']:.1f} ms", "", "", ""])
    started = figures["start_ups"]
    for name, factor in START_UP_AIMS.items():
        ratio = started[name] / started["bare Python"]
        told = f"{ratio:.1f}× bare Python (≤ {factor}×: {_word(ratio <= factor)})"
        rows.append([f"start-up of `{name}`", f"{started[name]:.0f} ms", "", "", told])
    intro = f"{about(raw)} {filled['jobs']:,} jobs, {filled['mib']:,.0f} MiB, written in {filled['seconds']:.0f} s."
    return intro + "\n\n" + table(["measure", "p50", "p95", "the first", "aim"], rows)


def terminal(raw: dict[str, Any]) -> str:
    """Return the terminal console's first paint, keys, memory and rest."""
    of = raw["figures"]
    keys = [name.removesuffix(" p50 ms") for name in of if name.endswith(" p50 ms")]
    slowest = max(of[f"{key} p95 ms"] for key in keys)
    rows = [
        [
            "first paint of the list",
            f"{of['list_s']:.2f} s",
            f"≤ {FIRST_PAINT_AIM_S:g} s: {_word(of['list_s'] <= FIRST_PAINT_AIM_S)}",
        ],
        ["the same from the shell, Python and imports included", f"{of['shell_s']:.2f} s", ""],
        *([f"key `{key}`, p50 / p95", f"{of[f'{key} p50 ms']:.1f} / {of[f'{key} p95 ms']:.1f} ms", ""] for key in keys),
        ["the slowest key's p95", f"{slowest:.1f} ms", f"≤ {KEY_AIM_MS} ms: {_word(slowest <= KEY_AIM_MS)}"],
        ["memory, at first / after 600 screens", f"{of['before_mib']:.0f} / {of['after_mib']:.0f} MiB", ""],
        ["CPU at rest", f"{of['rest_core']:.1%} of a core", ""],
    ]
    return f"{about(raw)} {of['jobs']:,} jobs.\n\n" + table(["terminal console", "", "aim"], rows)


# growth, cluster


def growth(raw: dict[str, Any]) -> str:
    """Return each line of each study from its first point to its last."""
    rows = []
    for study in raw["figures"].values():
        for name, points in study["lines"].items():
            (first_x, first), (last_x, last) = points[0], points[-1]
            most = max(y for _, y in points)
            rows.append(
                [study["x"], f"{first_x:,.0f} → {last_x:,.0f}", name, f"{first:,.1f} → {last:,.1f}", f"{most:,.1f}"]
            )
    return (
        about(raw)
        + "\n\n"
        + table(["what grows", "from → to", "CPU µs a job, or as said", "from → to", "at most"], rows)
    )


def cluster(raw: dict[str, Any]) -> str:
    """Return jobs a second and CPU times by the number of partitions."""
    of, rows = raw["figures"], []
    for count, taken in of["partitions"].items():
        rates = [figures["rate"] for figures in taken]
        cpu = [statistics.median(figures[name] for figures in taken) for name in ("worker_us", "server_us")]
        shown = f"{statistics.median(rates):,.0f} ({min(rates):,.0f}–{max(rates):,.0f})"
        rows.append([count, shown, *(f"{micros:.0f}" for micros in cpu)])
    intro = f"{of['workers']} worker process(es) of {of['concurrency']} slots. {about(raw)}"
    return intro + "\n\n" + table(["partitions", "jobs/s", "worker µs a job", "primaries µs a job"], rows)


TABLES: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "peers.throughput": throughput,
    "peers.at-10": peers_at_10,
    "peers.pickup": pickup,
    "peers.costs": costs,
    "peers.limits": limits,
    "console": console,
    "tui": terminal,
    "growth": growth,
    "cluster-1": cluster,
    "cluster-2": cluster,
}
"""By the name of a block; what stands before a point is the name of the file."""


if __name__ == "__main__":
    PAGE.write_text(make(PAGE.read_text(encoding="utf-8"), MEASURED), encoding="utf-8")
