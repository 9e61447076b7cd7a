"""`admin.flows`: trees of jobs that wait for each other, as lists of roots and as trees."""

import heapq
from collections import Counter
from typing import Final

from qconsole.admin.cursors import decode_cursor, encode_cursor, is_number, is_text
from qconsole.admin.job_views import JobViews
from qconsole.admin.limits import checked_limit
from qconsole.admin.noun import Noun
from qconsole.admin.stored_job import StoredJob
from qconsole.admin.views import Applied, FlowNode, FlowRow, Page
from qconsole.errors import Conflict, FlowNotFound

MAX_NODES: Final = 2_000
MAX_DEPTH: Final = 50
READ_AHEAD: Final = 50
LOST: Final = frozenset({"failed", "cancelled"})


class Flows(Noun):
    """Flows of all queues."""

    async def page(self, cursor: str | None = None, limit: int = 50) -> Page[FlowRow]:
        """Return one page of flows by their root jobs, the newest first."""
        limit = checked_limit(limit)
        before: tuple[float, str, str] | None = None
        if cursor:
            created, queue, wire_id = decode_cursor("flows", cursor, is_number, is_text, is_text)
            before = created, queue, wire_id
        queues, missing = await self._session.shards.readable(await self._session.plain_arq.queues())
        rows: list[FlowRow] = []
        place, at_end = before, False
        while len(rows) <= limit and not at_end:
            roots = await self._roots(queues, place, limit + READ_AHEAD)
            at_end = len(roots) < limit + READ_AHEAD
            for created, queue, wire_id in roots:
                row = await self._row(queue, wire_id, int(created))
                if row is not None:
                    rows.append(row)
                    if len(rows) > limit:
                        break
                place = (created, queue, wire_id)
        more = len(rows) > limit
        return Page(
            rows=tuple(rows[:limit]),
            next=encode_cursor("flows", place) if more and place else None,
            as_of_ms=self._backend.now_ms(),
            missing=missing,
        )

    async def _roots(
        self, queues: tuple[str, ...], before: tuple[float, str, str] | None, limit: int
    ) -> list[tuple[float, str, str]]:
        """Return roots of all queues, the newest first, behind a place."""
        high = "+inf" if before is None else f"{before[0]:.17g}"
        async with self._backend.redis.pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.zrevrangebyscore(
                    self._backend.keys(queue).flows(), high, "-inf", start=0, num=limit + READ_AHEAD, withscores=True
                )
            answers = await pipe.execute()
        roots = [
            (created, queue, member.decode("utf-8", "replace"))
            for queue, found in zip(queues, answers, strict=True)
            for member, created in found
        ]
        if before is not None:
            roots = [root for root in roots if root < tuple(before)]
        return heapq.nlargest(limit, roots)

    async def _row(self, queue: str, wire_id: str, created_ms: int) -> FlowRow | None:
        (job,) = await self._session.reader.read(queue, [wire_id])
        if job.state is None:
            return None
        states = Counter((await self._children(job)).values())
        return FlowRow(
            root_id=self._backend.keys(queue).bare_id(wire_id),
            queue=queue,
            job_type=job.job_type,
            state=job.state.value,
            created_ms=job.created_ms or created_ms,
            children_total=states.total(),
            children_done=states.total() - states["pending"],
            children_failed=sum(states[state] for state in LOST),
        )

    async def _children(self, job: StoredJob) -> dict[tuple[str, str], str]:
        """Return the state of each child (queue, wire id) as its parent knows it."""
        stored = await self._backend.redis.hgetall(self._backend.keys(job.queue).flow(job.id))  # type: ignore[misc]
        children = {}
        for name, state in sorted(stored.items()):
            text = name.decode("utf-8", "replace")
            if "\n" in text and not text.startswith("="):
                queue, _, child = text.partition("\n")
                children[queue, child] = state.decode("utf-8", "replace")
        return children

    async def tree(self, job_id: str, queue: str | None = None, max_nodes: int = 300) -> FlowNode:
        """Return the flow a job belongs to, from its root.

        Args:
            job_id: any member.
            max_nodes: what is beyond is counted in `hidden_children`.

        Raises:
            FlowNotFound: the job is in no flow.
        """
        found = await self._locate(job_id, queue)
        (job,) = await self._session.reader.read(found.queue, [found.id])
        root = await self._root(job)
        if root.parent is None and not await self._children(root):
            raise FlowNotFound(f"job {job_id!r} is in no flow", "List the flows: qconsole flows list", job_id=job_id)
        return await self._node(root, "fail_parent", [max(1, min(max_nodes, MAX_NODES))], 0)

    async def _root(self, job: StoredJob) -> StoredJob:
        """Climb to the root; a parent that is gone ends the climb."""
        for _ in range(MAX_DEPTH):
            if job.parent is None:
                return job
            queue, wire_id = job.parent
            (parent,) = await self._session.reader.read(queue, [wire_id])
            if parent.state is None:
                return job
            job = parent
        return job

    async def _node(self, job: StoredJob, on_fail: str, budget: list[int], depth: int) -> FlowNode:
        """Build one node and what is below it, within the budget of nodes."""
        budget[0] -= 1
        known = await self._children(job)
        children: list[FlowNode] = []
        hidden = 0
        for (queue, wire_id), state in known.items():
            if budget[0] <= 0 or depth >= MAX_DEPTH:
                hidden += 1
                continue
            (child,) = await self._session.reader.read(
                queue, [wire_id], fields=("parent", "on_fail", "job_type", "error", "pri")
            )
            if child.state is None:
                budget[0] -= 1
                children.append(self._gone(queue, wire_id, state))
            else:
                children.append(await self._node(child, child.text("on_fail") or "fail_parent", budget, depth + 1))
        row = JobViews(self._backend).row(job)
        return FlowNode(
            id=row.id,
            queue=row.queue,
            job_type=row.job_type,
            state=row.state,
            on_fail=on_fail,
            children=tuple(children),
            hidden_children=hidden,
            error_message=f"{row.error_type}: {row.error_message}" if row.error_type else None,
        )

    def _gone(self, queue: str, wire_id: str, state: str) -> FlowNode:
        """Return a child whose job retention has removed, or whose queue has not got it yet."""
        return FlowNode(self._backend.keys(queue).bare_id(wire_id), queue, "?", state, "fail_parent")

    async def retry_failed(self, job_id: str, *, queue: str | None = None, reason: str | None = None) -> Applied:
        """Retry every failed or cancelled job of a flow that has children failed below it, the leaves first.

        Raises:
            Conflict: nothing in the flow has failed.
        """
        self._session.require("operator", "retrying flows")
        reason = self._session.checked_reason(reason)
        root = await self.tree(job_id, queue, MAX_NODES)
        lost = _lost(root)
        if not lost:
            raise Conflict(f"nothing has failed in the flow of job {job_id!r}", job_id=job_id)
        retried, target = 0, f"{root.queue}/{root.id}"
        command = self._session.command("flows", "retry", root.id, queue=root.queue, reason=reason)
        change = self._session.change("flows.retry", target, command=command, reason=reason, matched=len(lost))
        async with change as entry:
            for node in lost:
                changes = await self._queue(node.queue).retry([node.id], actor=self._session.actor.name, reason=reason)
                retried += len(changes.done)
                entry.note(done=retried)
        return entry.applied(f"{retried} of {len(lost)} failed jobs of the flow were put back.")


def _lost(node: FlowNode) -> list[FlowNode]:
    """Return the failed jobs whose failure is their own, deepest first: a parent reopens by its child's retry."""
    below = [lost for child in node.children for lost in _lost(child)]
    if node.state in LOST and not below and node.job_type != "?":
        return [node]
    return below
