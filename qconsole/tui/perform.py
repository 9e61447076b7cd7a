"""Carries a verb out: form, preview or question, the call, what it answered, and how to undo it.

One thing is changed directly; more than one only through an operation, whose frozen selection and progress the
operator sees.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from qconsole.admin.views import Applied, OperationState, OperationView, Verb
from qconsole.errors import QConsoleError, RedisUnavailable
from qconsole.tui.action import Action
from qconsole.tui.cells import plain
from qconsole.tui.confirm import ConfirmDialog, Consent, Friction, PlanDialog, Question
from qconsole.tui.form import Answers, Ask, FormDialog, read_answers, schema_lines
from qconsole.tui.location import quoted
from qconsole.tui.subject import Subject, deed, things

if TYPE_CHECKING:
    from qconsole.tui.app import ConsoleApp

_BULK_OPTIONS = ("delay_s", "rate_per_s", "spread_s", "limit", "payload_edit", "reason")
_BULK_ASKS = (
    Ask("delay_s", "Delay", "duration", hint="now; or 30s, 5m, 2h"),
    Ask("rate_per_s", "At most a second", "number", hint="as fast as possible"),
    Ask("spread_s", "Spread over", "duration", hint="all at once; or 10m"),
    Ask("limit", "At most in all", "number", hint="all of them"),
    Ask("reason", "Reason", hint="goes into the audit"),
)
_REASON_ASKS = (Ask("reason", "Reason", required=True, hint="stands with each of them and in the audit"),)
_OPTION_NAMES = {"delay_s": "delay", "rate_per_s": "rate", "spread_s": "spread", "pause_s": "for"}


class Performer:
    """Carries actions out for the app, beside the screen."""

    def __init__(self, console: "ConsoleApp") -> None:
        self._console = console
        self.last_undo: tuple[str, Callable[[], Awaitable[Any]]] | None = None

    def command(self, action: Action, subject: Subject, answers: Answers) -> str:
        """Return the command line that does the same."""
        noun, verb, filter_text = action.noun, action.verb, subject.filter
        ids: tuple[str, ...] = subject.ids
        if noun == "groups":
            noun, ids, filter_text = "dlq", (), self.selection(action, subject)
            if verb == "note":
                ids, filter_text = (f"fp:{subject.id}",), None
        options = {_OPTION_NAMES.get(name, name): self._option(name, value) for name, value in answers.items()}
        if noun == "queues" and verb == "drain":
            filter_text = None
        if verb in {"note", "mark"}:
            ids = (*ids, str(answers.get("text", "TEXT"))) if noun == "dlq" else (str(answers.get("label", "LABEL")),)
            options = {}
        if verb == "add":
            ids = (str(options.pop("job_type", "TYPE")),)
        if verb == "reschedule" and "delay" in options:
            options["in"] = options.pop("delay")
        if noun == "queues" and verb == "limit":
            options = self._limit_options(answers)
        if noun == "queues" and verb == "release-hold":
            verb, options = "resume", {"hold": True}
        if noun == "queues" and verb == "empty":
            options["confirm"] = subject.id
        if noun == "jobs" and subject.queue and not subject.many:
            options["queue"] = subject.queue
        return self._console.cli(noun, verb, *ids, filter=filter_text, **options)

    @staticmethod
    def _option(name: str, value: Any) -> Any:
        import json

        if name in {"delay_s", "spread_s", "pause_s"}:
            return f"{value:g}s"
        return json.dumps(value, ensure_ascii=False) if name == "payload" else value

    @staticmethod
    def _limit_options(answers: Answers) -> dict[str, Any]:
        rate = answers.get("rate_max")
        window = answers.get("rate_per_s", 1)
        return {
            "concurrency": answers.get("concurrency", 0),
            "rate": f"{rate}/{window:g}s" if rate else "none",
            "reason": answers.get("reason"),
        }

    def selection(self, action: Action, subject: Subject) -> str:
        """Return the filter of an operation on groups or a queue."""
        if action.noun == "groups":
            prints = ",".join(subject.ids) if subject.ids else ""
            if prints:
                return f"fp:{prints} state:open"
            return " ".join(part for part in (subject.filter, "state:open") if part)
        if action.noun == "queues":
            return f"queue:{quoted(subject.id)} state:waiting,delayed"
        return subject.filter or ""

    async def perform(self, action: Action, subject: Subject | None) -> None:
        """Do it, asking what must be asked."""
        if subject is None:
            if action.needs_subject:
                self._console.flash(f"There is nothing here to {action.verb}.", "warn")
                return
            subject = Subject(action.noun)
        if not subject.many and not action.fits(subject.row):
            state = getattr(subject.row, "state", None)
            note = f"it is {plain(str(state))}" if state is not None else "its state does not allow it"
            self._console.flash(f"{action.label} does not apply to {subject}: {note}.", "warn")
            return
        if subject.many and not action.bulk:
            self._console.flash(f"{action.label} works on one at a time; unmark with Esc.", "warn")
            return
        if action.bulk is not None and (subject.many or action.always_bulk):
            await self._bulk(action, action.bulk, subject)
        else:
            await self._single(action, subject)

    # one thing

    async def _single(self, action: Action, subject: Subject) -> None:
        asks, typed = action.asks, {ask.name: ask.default for ask in action.asks}
        if action.prefill is not None:
            fields = await action.prefill(self._console.admin, subject)
            typed.update(fields)
            asks = tuple(ask for ask in asks if ask.name != "payload" or "payload" in fields)
        before = dict(typed)
        about = await self._about(action, subject) if any(ask.kind == "json" for ask in asks) else []
        error: QConsoleError | None = None
        while True:
            answers: Answers = {}
            if asks:
                dialog = FormDialog(f"{action.label}", asks, typed=typed, error=error, about=about)
                given = await self._console.ask(dialog)
                if given is None:
                    return
                typed = given
                answers = read_answers(asks, typed)
                if "payload" in answers and typed["payload"] == before.get("payload") and action.verb != "add":
                    del answers["payload"]
            consent = await self._consent(action, subject, answers)
            if consent is None:
                return
            if consent.reason is not None:
                answers["reason"] = consent.reason
            try:
                await self._apply(action, subject, answers)
                return
            except RedisUnavailable:
                raise
            except QConsoleError as refused:
                if not asks:
                    raise
                error = refused

    async def _about(self, action: Action, subject: Subject) -> list[Any]:
        job_type = getattr(subject.row, "job_type", None)
        if job_type is None:
            return []
        return schema_lines(await self._console.admin.jobs.schema(job_type))

    async def _consent(self, action: Action, subject: Subject, answers: Answers) -> Consent | None:
        friction = self._friction(action)
        if friction is Friction.NONE and not action.reason_required:
            return Consent()
        queue = subject.queue or (subject.id if subject.noun == "queues" and subject.ids else None)
        expected = (queue or subject.id) if friction is Friction.TYPED and subject.ids else None
        question = Question(
            title=action.label,
            text=f"{action.label} {subject}: {action.detail}.",
            command=self.command(action, subject, answers),
            expected=expected,
            dangerous=action.dangerous,
            wants_reason="reason" not in answers and action.noun not in {"flows", "operations", "trash"},
            reason_required=action.reason_required,
        )
        return await self._console.ask(ConfirmDialog(question))

    def _friction(self, action: Action) -> Friction:
        """Return what is asked: one step more in production."""
        if not self._console.skin.production or action.friction is Friction.TYPED:
            return action.friction
        return Friction.TYPED if action.dangerous or action.verb == "pause" else Friction.CLICK

    async def _apply(self, action: Action, subject: Subject, answers: Answers) -> None:
        if action.run is None:
            raise TypeError(f"{action.name} has nothing to run")
        answer = await action.run(self._console.admin, subject, answers)
        self._console.last_command = self.command(action, subject, answers)
        if isinstance(answer, Applied):
            self._note_undo(action, subject, answer)
            undo = " · u undoes it" if answer.undo_until_ms else ""
            self._console.flash(answer.sentence + undo, "good")
        elif isinstance(answer, OperationView):
            self._after_operation_verb(action, subject, answer)
        else:
            self._console.flash(f"{action.label}: done.", "good")
        self._console.view.load_soon()

    def _note_undo(self, action: Action, subject: Subject, applied: Applied) -> None:
        admin, queue = self._console.admin, subject.queue
        if not applied.undo_until_ms or not subject.ids:
            return
        what = subject.id
        if action.noun == "jobs" and action.verb == "remove":
            self.last_undo = (f"remove of {what}", lambda: admin.trash.restore(what, queue=queue))
        elif action.noun == "dlq" and action.verb == "discard":
            self.last_undo = (f"discard of {what}", lambda: admin.dead_letters.reopen(what, queue=queue))

    def _after_operation_verb(self, action: Action, subject: Subject, operation: OperationView) -> None:
        if action.verb == "undo":
            self._tell_undone(deed(subject.row) if isinstance(subject.row, OperationView) else subject.id, operation)
            return
        self._console.flash(f"{action.label}: operation {operation.id} is {operation.state}.", "good")
        if action.verb == "resume":
            self._console.reach(self.drive(operation.id), during="running an operation")

    # many things

    async def _bulk(self, action: Action, verb: Verb, subject: Subject) -> None:
        admin = self._console.admin
        answers: Answers = {}
        asks = _BULK_ASKS if action.asks else _REASON_ASKS if action.reason_required else ()
        if asks:
            about = [[(f"{action.label}: {subject}", "muted")]]
            given = await self._console.ask(FormDialog(action.label, asks, about=about))
            if given is None:
                return
            answers = read_answers(asks, given)
        filter_text = self.selection(action, subject)
        ids = list(subject.ids) if action.noun not in {"groups", "queues"} and subject.ids else None
        options = {name: value for name, value in answers.items() if name in _BULK_OPTIONS}
        self._console.flash(f"Counting what {action.verb} would touch…")
        plan = await admin.operations.plan(verb, filter_text, noun=action.bulk_noun, ids=ids, **options)
        self._console.flash(None)
        if not plan.count.value:
            self._console.flash(f"Nothing to {action.verb}: no match.", "warn")
            return
        title = f"{action.label} · preview"
        dialog = PlanDialog(plan, title=title, dangerous=action.dangerous)
        consent = await self._console.ask(dialog)
        if consent is None:
            self._console.flash("Nothing was changed.")
            return
        await self._start(plan, consent)

    async def _start(self, plan: Any, consent: Consent) -> None:
        admin = self._console.admin
        operation = await admin.operations.start(plan.operation.id, confirm=consent.confirm or plan.confirm_text)
        self._console.last_command = plan.command
        self._console.table_marks_done()
        await self.drive(operation.id)

    async def drive(self, operation_id: str) -> None:
        """Run an operation to its end, showing how far it is."""
        console = self._console
        operation: OperationView | None = None
        console.driving.add(operation_id)
        console.gate.release()
        try:
            async for operation in console.admin.operations.run(operation_id):
                console.show_progress(operation)
        finally:
            console.driving.discard(operation_id)
            console.show_progress(None)
        if operation is not None:
            self._tell_end(operation)
        console.view.load_soon()

    def _tell_end(self, operation: OperationView) -> None:
        admin = self._console.admin
        sentence = f"{operation.verb.capitalize()}: {things(operation.done, operation.noun)} done"
        if operation.skipped:
            sentence += f", {operation.skipped:,} skipped"
        if operation.failed:
            sentence += f", {operation.failed:,} failed"
        if operation.state is not OperationState.DONE:
            sentence += f"; the operation is {operation.state}"
        if operation.undo_until_ms and operation.done:
            undo_id = operation.id
            self.last_undo = (
                deed(operation),
                lambda: admin.operations.undo(undo_id),
            )
            if self._console.view.noun != "operations":  # there `u` undoes the one at the cursor
                sentence += " · u undoes it"
        self._console.flash(sentence + ".", "bad" if operation.failed else "good")

    async def undo(self) -> None:
        """Undo what was done last here, after asking."""
        if self.last_undo is None:
            self._console.flash(
                "There is nothing to undo from this session; operations and trash keep the rest.", "warn"
            )
            return
        what, run = self.last_undo
        question = Question("Undo", f"Undo {plain(what)}: put everything back as it was.", "qconsole operations undo …")
        if await self._console.ask(ConfirmDialog(question)) is None:
            return
        answer = await run()
        self.last_undo = None
        self._tell_undone(what, answer)
        self._console.view.load_soon()

    def _tell_undone(self, what: str, answer: Any) -> None:
        """Say what was put back, and how many could not be and why."""
        if not isinstance(answer, OperationView) or not (answer.skipped or answer.failed):
            self._console.flash(f"Undone: {plain(what)}.", "good")
            return
        why = ", ".join(f"{number:,} {plain(reason)}" for reason, number in answer.skips.items())
        parts = [f"{answer.done:,} put back", f"{answer.skipped:,} skipped" + (f" ({why})" if why else "")]
        if answer.failed:
            parts.append(f"{answer.failed:,} failed")
        self._console.flash(f"Undo of {plain(what)}: {', '.join(parts)}.", "warn")
