"""Pieces that several screens share: name–value lines, errors, flows, cells of common columns. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from qconsole.admin.views import FlowNode, JobRow, PauseView, QueueView, RunningJob
from qconsole.tui.cells import cut, cut_middle, fit, plain, width, wrap
from qconsole.tui.charts import gauge
from qconsole.tui.document import DocLine, section
from qconsole.tui.drawn import Moment
from qconsole.tui.format import age, duration, instant
from qconsole.tui.skin import Span, badge

LABEL = 13
UNKNOWN_TYPE = "?"  # of a job whose record is gone
ENDED = frozenset({"completed", "failed", "cancelled"})


def fact(name: str, value: str | Sequence[Span], *, style: str = "text", link: str | None = None) -> DocLine:
    """Return one `name  value` line."""
    spans = [(value, style)] if isinstance(value, str) else list(value)
    return DocLine((("  ", "text"), (fit(name, LABEL), "muted"), *spans), link=link)


def facts(
    pairs: Sequence[tuple[str, str | Sequence[Span] | None]], cells: int, *, columns: bool = False
) -> list[DocLine]:
    """Return the known facts, two a line where there is room; what is unknown is left out."""
    known = [(name, value) for name, value in pairs if value]
    if not columns or cells < 90:
        return [line for name, value in known for line in _fact_lines(name, value, cells)]
    half = (cells - 4) // 2
    lines: list[DocLine] = []
    for start in range(0, len(known), 2):
        spans: list[Span] = [("  ", "text")]
        for name, value in known[start : start + 2]:
            content = [(value, "text")] if isinstance(value, str) else list(value)
            text = "".join(t for t, _ in content)
            spans += [(fit(name, LABEL), "muted")]
            if width(text) > half - LABEL - 1:
                spans.append((fit(text, half - LABEL), content[0][1]))
            else:
                spans += [*content, (" " * (half - LABEL - width(text)), "text")]
        lines.append(DocLine(tuple(spans)))
    return lines


def _fact_lines(name: str, value: str | Sequence[Span], cells: int) -> list[DocLine]:
    if not isinstance(value, str):
        return [fact(name, value)]
    lines = wrap(value, max(20, cells - LABEL - 3))
    return [fact(name if number == 0 else "", line) for number, line in enumerate(lines[:6])]


def when(ms: int | None, moment: Moment) -> str | None:
    """Return an instant with its age: `12:01:07  4:12 ago`."""
    if ms is None:
        return None
    ago = age(ms, moment.now_ms)
    return f"{instant(ms, moment.now_ms, moment.zone)}  {ago if ms > moment.now_ms else ago + ' ago'}"


def state_cell(row: Any, _moment: Moment) -> Span:
    """Return the cell of a state column."""
    return badge(row.state)


def error_cell(row: Any, _moment: Moment) -> list[Span]:
    """Return an error's type and message, or what the job carries."""
    if row.error_type:
        return [(plain(row.error_type, limit=80), "bad"), ("  " + plain(row.error_message or "", limit=300), "text")]
    return [(plain(getattr(row, "summary", "") or "", limit=300), "muted")]


def attempts_cell(row: JobRow, _moment: Moment) -> Span:
    """Return attempts made of those allowed."""
    allowed = "" if row.attempts_allowed is None else f"/{row.attempts_allowed}"
    spent = row.attempts_allowed is not None and row.attempts_made >= row.attempts_allowed
    return f"{row.attempts_made}{allowed}", "warn" if spent and row.state == "failed" else "text"


def id_cell(text: str) -> Span:
    """Return an id; its column leaves out the middle when it is long."""
    return plain(text, limit=300), "text"


def progress_spans(progress: Any, cells: int = 24) -> list[Span]:
    """Return a job's progress: a bar for a number (a ratio or a percentage), text for anything else."""
    value = progress
    if isinstance(progress, dict):
        value = next(
            (progress[k] for k in ("percent", "ratio", "progress") if isinstance(progress.get(k), int | float)), None
        )
        done, total = progress.get("done"), progress.get("total")
        if value is None and isinstance(done, int | float) and isinstance(total, int | float) and total:
            value = done / total
    if isinstance(value, bool) or not isinstance(value, int | float):
        return [(plain(str(progress), limit=200), "text")]
    ratio = float(value) if 0 <= value <= 1 else float(value) / 100
    ratio = min(1.0, max(0.0, ratio))
    spans = [*gauge(ratio, cells), (f" {ratio:.0%}", "text")]
    if isinstance(progress, dict):
        spans.append(("  " + cut(plain(", ".join(f"{k} {v}" for k, v in progress.items())), 60), "muted"))
    return spans


def pause_spans(pause: PauseView, moment: Moment) -> list[Span]:
    """Return who paused, when, why, and until when."""
    spans: list[Span] = [
        ("■ paused ", "warn"),
        (f"{age(pause.since_ms, moment.now_ms)} ago by {plain(pause.actor or '?')}", "text"),
    ]
    if pause.reason:
        spans.append((f": {plain(pause.reason)}", "text"))
    if pause.until_ms is not None:
        spans.append((f", resumes at {instant(pause.until_ms, moment.now_ms, moment.zone)}", "muted"))
    return spans


def limits_text(queue: QueueView) -> str | None:
    """Return a queue's limits in words."""
    limits = queue.limits
    parts = []
    if limits.concurrency is not None:
        parts.append(f"at most {limits.concurrency:,} at once")
    if limits.rate_max is not None and limits.rate_per_s is not None:
        parts.append(f"{limits.rate_max:,} starts in {limits.rate_per_s:g} s")
    if limits.differs_from_code:
        parts.append("set by an operator, not by the code")
    return ", ".join(parts) or None


def flow_lines(node: FlowNode, *, current: str | None = None) -> list[DocLine]:
    """Return a flow as an outline; each line leads to its job."""
    lines: list[DocLine] = []
    stack: list[tuple[FlowNode | int, str, str]] = [(node, "  ", "  ")]
    while stack:
        here, lead, below = stack.pop()
        if isinstance(here, int):
            lines.append(DocLine(((lead, "line"), (f"{here:,} more", "muted"))))
            continue
        lines.append(_flow_line(here, lead, current))
        children: list[FlowNode | int] = [*here.children, *([here.hidden_children] if here.hidden_children else [])]
        for number, child in reversed(list(enumerate(children))):
            last = number == len(children) - 1
            stack.append((child, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  ")))
    return lines


def flow_sums(root: FlowNode, cells: int) -> list[DocLine]:
    """Return how many jobs of a flow are in which state, and what failed; what the outline leaves out is said."""
    states: Counter[str] = Counter()
    failures: list[DocLine] = []
    hidden, stack = 0, [root]
    while stack:
        node = stack.pop()
        states[node.state] += 1
        hidden += node.hidden_children
        if node.error_message:
            text = plain(f"{node.id}: {node.error_message}", limit=cells)
            failures.append(DocLine(((f"  {text}", "bad"),), link=job_link(node.id, node.queue)))
        stack.extend(reversed(node.children))
    lines = [section("Jobs of the flow", f"{hidden:,} more are not counted here" if hidden else "")]
    for state, number in states.most_common():
        shape, style = badge(state)
        lines.append(DocLine((("  ", "text"), (f"{shape:<20}", style), (f"{number:>6,}", "text"))))
    return [*lines, DocLine(), section("Failures"), *failures] if failures else lines


def _flow_line(node: FlowNode, lead: str, current: str | None) -> DocLine:
    here = node.id == current
    if node.job_type == UNKNOWN_TYPE:
        why = "pruned: its time to be kept is over" if node.state in ENDED else "not in its queue yet"
        return DocLine(
            ((lead, "line"), badge(node.state), (f"  {cut_middle(plain(node.id), 30)}  {why}", "muted")),
            copy=lambda: node.id,
        )
    spans: list[Span] = [
        (lead, "line"),
        badge(node.state),
        ("  " + plain(node.job_type, limit=60), "strong" if here else "text"),
    ]
    spans.append((f"  {cut_middle(plain(node.id), 30)}", "muted" if here else "accent"))
    if node.error_message:
        spans.append((f"  {plain(node.error_message, limit=120)}", "bad"))
    if node.on_fail not in {"", "fail_parent"}:
        spans.append((f"  on fail: {plain(node.on_fail)}", "muted"))
    return DocLine(tuple(spans), link=job_link(node.id, node.queue), copy=lambda: node.id)


def _quote(text: str) -> str:
    import shlex

    return shlex.quote(text)


def job_link(job_id: str, queue: str) -> str:
    """Return the location of a job."""
    return f"job {_quote(job_id)} queue:{queue if ' ' not in queue else chr(34) + queue + chr(34)}"


def running_line(job: RunningJob, cells: int, moment: Moment) -> DocLine:
    """Return a running job of a worker as a line that leads to it; how far it is goes before which attempt it is."""
    type_cells = 22 if cells >= 90 else 18
    spans: list[Span] = [
        ("  ▶ ", "accent"),
        (fit(plain(job.job_type, limit=60), type_cells) + "  ", "text"),
        (fit(cut_middle(plain(job.id), 24), 24) + "  ", "accent"),
        (fit(duration(moment.now_ms - job.started_ms), 8, "right") + "  ", "text"),
    ]
    if cells >= 90 or job.progress is None:
        spans.append((f"attempt {job.attempt}  ", "muted"))
    if job.progress is not None:
        spans += progress_spans(job.progress, 12) if cells >= 90 else progress_spans(job.progress, 8)[:3]
    return DocLine(tuple(spans), link=job_link(job.id, job.queue), copy=lambda: job.id)
