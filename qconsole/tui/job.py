"""One job: why it is (not) running, its timeline, attempts, payload, result, logs that follow, flow and similar
failures.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from qconsole.admin.views import FlowNode, JobRow, JobView, LogLine, Why
from qconsole.errors import CapabilityMissing, JobNotFound, NotFound
from qconsole.tui.attempts import attempt_sections, attempts_head, timeline
from qconsole.tui.cells import cut_middle, fit, plain, wrap
from qconsole.tui.document import DocLine, Folds, Produce, section, text_line
from qconsole.tui.document_view import DocumentView
from qconsole.tui.drawn import Moment
from qconsole.tui.facts import facts, flow_lines, job_link, progress_spans, when
from qconsole.tui.format import coarse_age, duration, instant, plural, size
from qconsole.tui.keys import verb_bindings
from qconsole.tui.location import Location
from qconsole.tui.payload import describe, tree
from qconsole.tui.skin import Span, badge
from qconsole.tui.subject import Subject

LOG_TAIL = 200


class JobDocument(DocumentView):
    """See the module's description."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *verb_bindings("jobs"),
        Binding("F", "follow", "follow the log", show=False),
        Binding("V", "reveal", "show masked values", show=False),
    ]
    noun = "jobs"
    hints = (("[ ]", "sections"), ("Space", "fold"))

    def __init__(self, location: Location) -> None:
        super().__init__(location.with_filter(location.filter.removesuffix("logs").strip()))
        self.job: JobView | None = None
        self.why: Why | None = None
        self.logs: Sequence[LogLine] = ()
        self.flow: FlowNode | None = None
        self.similar: Sequence[JobRow] = ()
        self.revealed = False
        self.ended_gone = False
        self._to_logs = location.filter.endswith("logs")

    async def load(self) -> None:
        job_id, queue = self.location.target or "", self.location.queue
        try:
            job: JobView = await self.admin.jobs.get(job_id, queue=queue, reveal=self.revealed)
        except JobNotFound:
            if self.job is None:
                raise
            self.ended_gone = True
            self.retitle()
            return
        first = self.job is None
        changed = self.job != job
        self.job, queue = job, job.row.queue
        self.why = await self.admin.jobs.why(job_id, queue=queue)
        if job.logs_total and (changed or job.row.state == "active"):
            after = max(0, job.logs_total - LOG_TAIL)
            self.logs = await self.admin.jobs.logs(job_id, queue=queue, after=after, limit=LOG_TAIL)
        if first or changed:
            await self._load_relatives(job, first)
        self.present()
        if first and self._to_logs:
            self._jump_to("Log")

    async def _load_relatives(self, job: JobView, first: bool) -> None:
        if job.children or job.parent:
            try:
                self.flow = await self.admin.flows.tree(job.row.id, queue=job.row.queue, max_nodes=60)
            except (NotFound, CapabilityMissing):
                self.flow = None
        if first and job.row.fingerprint:
            self.similar = await self.admin.jobs.similar(job.row.id, queue=job.row.queue, limit=5)

    def _jump_to(self, title: str) -> None:
        for document in (self.second, self.first):
            for place, line in enumerate(document.lines):
                if line.head and line.text.strip().startswith(title):
                    document.focus()
                    document.action_move(place - document.place)
                    return

    def subject(self) -> Subject | None:
        if self.job is None:
            return None
        row = self.job.row
        return Subject("jobs", (row.id,), queue=row.queue, row=row, count=1)

    def command(self) -> str | None:
        return self.console.cli("jobs", "show", self.location.target or "", queue=self.location.queue)

    def action_follow(self) -> None:
        document = self.second if self.two_panes else self.first
        document.follow = not document.follow
        document.rebuild()
        self.console.flash("following the log; F or k stops" if document.follow else "not following")

    def action_reveal(self) -> None:
        self.revealed = not self.revealed
        self.load_soon()

    def title(self) -> list[Span]:
        spans: list[Span] = [("Job", "title"), (f"  {plain(self.location.target or '', limit=120)}", "accent")]
        if self.job is not None:
            spans += [("  ", "text"), badge(self.job.row.state)]
        if self.ended_gone:
            spans.append(("  it is gone from Redis now; this is what it was", "warn"))
        return spans

    def left(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        if self.job is None:
            return []
        moment = self.console.moment()
        lines = [*why_lines(self.why, cells), *job_facts(self.job, cells, moment)]
        steps = timeline(self.job, cells, moment)
        if steps:
            lines += [DocLine(), section("Timeline"), *steps]
        attempts = attempt_sections(self.job.attempts, self.job.error, cells, folds, moment.zone)
        if attempts:
            row = self.job.row
            lines += [DocLine(), attempts_head(self.job.attempts, row.attempts_allowed, row.attempts_made), *attempts]
        if self.flow is not None:
            lines += [DocLine(), section("Flow"), *flow_lines(self.flow, current=self.job.row.id)]
        if self.similar:
            lines += [DocLine(), section("Similar failures", "the same error in other jobs")]
            lines += [similar_line(row, moment) for row in self.similar]
        return lines

    def right(self, cells: int, folds: Folds) -> Sequence[DocLine]:
        if self.job is None:
            return []
        lines = [DocLine()] if not self.two_panes else []
        lines += payload_lines(self.job, cells, folds)
        if self.job.result is not None:
            lines += [
                DocLine(),
                section("Result", describe(self.job.result)),
                *tree(self.job.result, cells, folds, root="$result"),
            ]
        if self.job.row.progress is not None:
            lines += [DocLine(), section("Progress"), DocLine((("  ", "text"), *progress_spans(self.job.row.progress)))]
        return [*lines, DocLine(), *log_lines(self.logs, self.job.logs_total, cells, self.console.moment())]


def why_lines(why: Why | None, cells: int) -> list[DocLine]:
    """Return why the job is (not) running, the facts, and what would help."""
    if why is None:
        return []
    style = "text" if why.code in {"running", "ended", "ready"} else "warn"
    lines = [DocLine((("  ", "text"), (line, style))) for line in wrap(why.sentence, max(20, cells - 2))]
    if why.evidence and why.code not in {"ended"}:
        text = " · ".join(f"{plain(name)} {plain(value)}" for name, value in why.evidence)
        lines += [text_line(line, "muted") for line in wrap(text, max(20, cells - 2))[:3]]
    if why.command:
        lines.append(DocLine((("  $ ", "muted"), (plain(why.command), "accent")), copy=lambda: why.command or ""))
    return [*lines, DocLine()]


def job_facts(job: JobView, cells: int, moment: Moment) -> list[DocLine]:
    """Return what the job is."""
    row = job.row
    took = None
    if row.started_ms is not None and row.finished_ms is not None:
        took = duration(row.finished_ms - row.started_ms)
    parent = f"{plain(job.parent[1])} in {plain(job.parent[0])}" if job.parent else None
    lines = facts(
        [
            ("type", plain(row.job_type)),
            ("queue", plain(row.queue)),
            ("created", when(row.created_ms, moment)),
            ("due", when(row.due_ms, moment) if row.due_ms != row.created_ms else None),
            ("started", when(row.started_ms, moment)),
            ("finished", when(row.finished_ms, moment)),
            ("took", took),
            ("worker", plain(row.worker) if row.worker else None),
            ("priority", str(row.priority)),
            ("timeout", duration(job.timeout_ms) if job.timeout_ms else None),
            ("stalls", str(job.stalls) if job.stalls else None),
            ("expires", when(job.expires_ms, moment)),
            ("dedup id", plain(job.dedup_id) if job.dedup_id else None),
            ("schedule", plain(job.schedule) if job.schedule else None),
            ("parent", parent),
            ("trace", plain(job.trace) if job.trace else None),
        ],
        cells,
        columns=True,
    )
    return [*lines, *_job_links(job)]


def _job_links(job: JobView) -> list[DocLine]:
    """Return what the job leads to: its dead letter, what it replays, its error group."""
    row = job.row
    lines: list[DocLine] = []
    if job.dead_letter:
        lines.append(
            DocLine(
                (("  ", "text"), (fit("dead letter", 13), "muted"), (plain(job.dead_letter), "link")),
                link=f"dead-letter {job.dead_letter}",
            )
        )
    if job.replay_of:
        lines.append(
            DocLine(
                (("  ", "text"), (fit("replay of", 13), "muted"), (plain(job.replay_of), "link")),
                link=f"dead-letter {job.replay_of}",
            )
        )
    if row.fingerprint:
        spans: tuple[Span, ...] = (("  ", "text"), (fit("error group", 13), "muted"), (plain(row.fingerprint), "link"))
        lines.append(DocLine(spans, link=f"dlq fp:{row.fingerprint}"))
    return lines


def payload_lines(job: Any, cells: int, folds: Folds) -> list[DocLine]:
    """Return the payload as a tree, with what is known about its form."""
    note = [job.payload_format]
    number = getattr(job, "payload_bytes", None)
    if number is not None:
        note.append(size(number))
    if getattr(job, "payload_truncated", False):
        note.append("shown cut")
    if not job.editable:
        note.append("read only")
    lines = [section("Payload", " · ".join(note))]
    hint = getattr(job, "raw_hint", None)
    if hint:
        lines += [text_line(line, "warn") for line in wrap(hint, max(20, cells - 4))]
    payload = job.payload
    if isinstance(payload, dict) and set(payload) == {"args", "kwargs"} and not payload["args"]:
        payload = payload["kwargs"]  # the usual form; positional arguments are shown when there are any
    lines += tree(payload, cells, folds)
    if job.redacted:
        lines.append(text_line(f"masked: {', '.join(plain(path) for path in job.redacted[:8])}", "muted"))
    return lines


def log_lines(logs: Sequence[LogLine], total: int, cells: int, moment: Moment) -> list[DocLine]:
    """Return the newest log lines, wrapped."""
    if not total:
        return [section("Log"), text_line("no line yet", "muted")]
    shown = plural(total, "line") if total <= len(logs) else f"the newest {len(logs):,} of {total:,} lines"
    lines = [section("Log", f"{shown} · F follows")]
    for log in logs:
        head: tuple[Span, ...] = (
            ("  ", "text"),
            (instant(log.ms, moment.now_ms, moment.zone), "muted"),
            (f"  {log.attempt}  ", "faint"),
        )
        room = max(20, cells - sum(len(text) for text, _ in head))
        for number, part in enumerate(wrap(log.line, room, most=2_000)[:20]):
            lead = head if number == 0 else ((" " * (cells - room), "text"),)
            lines.append(DocLine((*lead, (part, "text")), copy=partial(str, log.line)))
    return lines


def similar_line(row: JobRow, moment: Moment) -> DocLine:
    """Return another job with the same error as a line that leads to it."""
    spans: tuple[Span, ...] = (
        (f"  {coarse_age(row.finished_ms, moment.now_ms):>4}  ", "muted"),
        (fit(cut_middle(plain(row.id), 24), 24) + "  ", "accent"),
        (plain(row.error_message or "", limit=200), "muted"),
    )
    return DocLine(spans, link=job_link(row.id, row.queue))


def job_preview(job: JobView, moment: Moment) -> Produce:
    """Return what stands beside the list of jobs."""

    def produce(cells: int, folds: Folds) -> list[DocLine]:
        row = job.row
        lines = [DocLine(((plain(row.job_type), "title"), ("  ", "text"), badge(row.state)), head=True)]
        if job.error is not None:
            for line in wrap(f"{job.error.type}: {job.error.message}", max(20, cells - 2))[:4]:
                lines.append(text_line(line, "bad"))
        lines += [DocLine(), *job_facts(job, cells, moment), DocLine(), *payload_lines(job, cells, folds)]
        steps = timeline(job, cells, moment)
        if steps:
            lines += [DocLine(), section("Timeline"), *steps]
        if job.attempts and job.error is not None:
            lines += [DocLine(), *attempt_sections(job.attempts[-1:], job.error, cells, folds, moment.zone)]
        return lines

    return produce
