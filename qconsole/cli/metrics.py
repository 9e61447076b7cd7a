"""`qconsole metrics`: throughput, latency and service levels."""

from typing import Annotated

import typer

from qconsole.cli.command import Session, command
from qconsole.cli.output import Column, duration, instant

app = typer.Typer(no_args_is_help=True, help="Metrics: show, export, sla.", rich_markup_mode=None)

Window = Annotated[str, typer.Option("--window", metavar="DURATION", help="How far back, e.g. 1h, 24h, 7d.")]


_GIVES = {"retried": 1, "run_p50_ms": 2, "wait_p50_ms": 3}


@command(app, "show")
async def show(
    session: Session,
    queue: Annotated[str | None, typer.Argument(metavar="[QUEUE]", help="One queue; by default all together.")] = None,
    job_type: Annotated[str | None, typer.Option("--type", metavar="TYPE", help="One job type.")] = None,
    window: Window = "1h",
) -> None:
    """Show counts and latencies over time.

    As a table only the stretches that had traffic.
    """
    admin = await session.admin()
    series = await admin.metrics.series(queue=queue, job_type=job_type, window=window)
    names = list(series.columns)
    rows = [(ms, *(series.columns[name][at] for name in names)) for at, ms in enumerate(series.at_ms)]

    def column(at: int, name: str) -> Column:
        def read(row: tuple[float | None, ...]) -> str:
            value = row[at + 1]
            if name.endswith("_ms"):
                return duration(value)
            return "–" if value is None else f"{value:,.0f}"

        return Column(name.removesuffix("_ms").replace("_", " "), read, "right", gives=_GIVES.get(name, 0))

    counted = [at for at, name in enumerate(names, 1) if not name.endswith("_ms")]
    busy = [row for row in rows if any(row[at] for at in counted)]
    nothing = "" if busy else await session.nothing("No traffic in this window.")
    columns = [Column("from", lambda row: instant(row[0])), *(column(at, name) for at, name in enumerate(names))]
    session.show(series, "metrics", lambda: session.output.table(busy, columns, empty=nothing))


@command(app, "sla")
async def sla(session: Session, window: Window = "24h") -> None:
    """Show how each queue keeps its latency targets."""
    admin = await session.admin()
    found = await admin.metrics.sla(window=window)

    def share(value: float | None) -> str:
        return "–" if value is None else f"{value:.2%}"

    def seconds(value: float | None) -> str:
        return "–" if value is None else duration(value * 1000)

    columns = [
        Column("queue", lambda r: r[0]),
        Column("wait target", lambda r: seconds(r[1].queue_s), "right"),
        Column("run target", lambda r: seconds(r[1].run_s), "right"),
        Column("end to end", lambda r: seconds(r[1].total_s), "right"),
        Column("kept", lambda r: share(r[1].compliance), "right"),
        Column("budget left", lambda r: share(r[1].budget_left), "right"),
        Column("breaches", lambda r: r[1].breaches, "right", gives=1),
    ]
    session.show(found, "sla", lambda: session.output.table(found, columns, empty="No queue has targets."))


@command(app, "export")
async def export(session: Session) -> None:
    """Write the metrics as Prometheus text."""
    admin = await session.admin()
    session.output.text((await admin.metrics.prometheus()).rstrip("\n"))


@command(app, "mark")
async def mark(
    session: Session,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="What happened, e.g. a41f2c.")],
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help="deploy or operator.")] = "deploy",
) -> None:
    """Draw a line into every chart, as deploy scripts do."""
    from qconsole.cli.queues import show_applied

    show_applied(session, await (await session.admin()).metrics.mark(kind, label))
