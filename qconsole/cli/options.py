"""The options that commands share, each declared once."""

from dataclasses import dataclass
from typing import Annotated

import typer

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Ids; `-` reads them from standard input.")]
JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id.")]
QueueName = Annotated[str, typer.Argument(metavar="QUEUE", help="The queue's name.")]
QueueHint = Annotated[
    str | None, typer.Option("--queue", metavar="QUEUE", help="The queue, when the id alone is ambiguous.")
]
Filter = Annotated[
    str | None,
    typer.Option(
        "--filter", "-f", metavar="FILTER", help="Select by filter, e.g. 'queue:email type:send_email age>1h'."
    ),
]
FilterArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILTER]...", help="A filter, e.g. state:failed queue:email error~timeout."),
]
AuditFilter = Annotated[
    list[str] | None, typer.Argument(metavar="[FILTER]...", help="A filter, e.g. actor:maria action:jobs.retry age<1d.")
]
AuditFilterOption = Annotated[
    str | None, typer.Option("--filter", "-f", metavar="FILTER", help="The same as an option.")
]
LetterFilter = Annotated[
    list[str] | None, typer.Argument(metavar="[FILTER]...", help="A filter, e.g. queue:email fp:7c1e9a age>1d.")
]
OnlyQueue = Annotated[str | None, typer.Option("--queue", metavar="QUEUE", help="Only this queue.")]
RoleOption = Annotated[str, typer.Option("--role", metavar="ROLE", help="viewer, operator or admin.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Only show what would be touched.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Touch at most N.")]
MaxAffected = Annotated[
    int | None, typer.Option("--max-affected", min=1, metavar="N", help="Refuse when more than N match.")
]
Rate = Annotated[float | None, typer.Option("--rate", min=0.01, metavar="PER_S", help="At most so many a second.")]
Spread = Annotated[
    str | None,
    typer.Option("--spread", metavar="DURATION", help="Spread the new due times evenly over this time, e.g. 10m."),
]
Delay = Annotated[str | None, typer.Option("--delay", metavar="DURATION", help="Run after this time, e.g. 5m.")]
Wait = Annotated[
    bool,
    typer.Option("--wait/--no-wait", help="Stay until the operation ends; otherwise leave it for `operations resume`."),
]
PageLimit = Annotated[int, typer.Option("--limit", min=1, max=10_000, metavar="N", help="At most N rows.")]
Cursor = Annotated[
    str | None, typer.Option("--cursor", metavar="CURSOR", help="Go on from the `next` of an earlier answer.")
]
Payload = Annotated[
    str | None,
    typer.Option("--payload", metavar="JSON", help="The payload as JSON, or @FILE, or `-` for standard input."),
]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show masked values; needs the role admin and is audited.")]
Follow = Annotated[bool, typer.Option("--follow", help="Go on showing new ones.")]


@dataclass(frozen=True, slots=True)
class Many:
    """The options of every verb that can touch more than one job."""

    limit: Limit = None
    max_affected: MaxAffected = None
    rate: Rate = None
    dry_run: DryRun = False
    yes: Yes = False
    reason: Reason = None
    wait: Wait = True


@dataclass(frozen=True, slots=True)
class Bulk(Many):
    """The options of a verb that selects by a filter, too."""

    filter: Filter = None


@dataclass(frozen=True, slots=True)
class Again:
    """The options of verbs that run something again."""

    payload: Payload = None
    delay: Delay = None
    spread: Spread = None
