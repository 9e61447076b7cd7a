"""The report job: figures on documents as HTML, PDF, XLSX or CSV, in the reader's zone and currency.

Drawing is heavy and is done in a thread; a cancelled job stops at once and keeps nothing.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, Field, field_validator, model_validator

from qconsole.errors import Unrecoverable
from qconsole.runtime import Context
from workers.downloads import check_links, download_link, keep_result
from workers.email import MailAddress, SendEmail, send_email
from workers.extras import REPORTS, installed
from workers.platform import platform
from workers.policies import Queue, declare, report_dedup
from workers.reporting.figures import Figures, read_figures
from workers.reporting.pdf import write_pdf
from workers.reporting.writers import write_csv, write_html, write_xlsx
from workers.webhooks import client_of
from workers.wording import is_zone

MAX_DAYS = 366
MAX_BYTES = 25 * 1024 * 1024


class Format(StrEnum):
    """What a report is written as."""

    HTML = "html"
    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"


class MakeReport(BaseModel):
    """Which days, for whom, as what, and who is told when it is ready."""

    report_id: str = Field(pattern=r"^[\w.-]{1,64}$")
    title: str = Field(default="Documents", min_length=1, max_length=150)
    format: Format = Format.PDF
    first: date
    last: date
    customer: str = Field(default="", max_length=255)
    zone: str = "UTC"
    currency: str = Field(default="", pattern="^([A-Z]{3})?$")
    notify: MailAddress | None = None

    @field_validator("zone")
    @classmethod
    def _check_zone(cls, zone: str) -> str:
        if not is_zone(zone):
            raise ValueError(f"zone must be one such as Europe/Athens, got {zone[:60]!r}")
        return zone

    @model_validator(mode="after")
    def _check_span(self) -> "MakeReport":
        if not timedelta(0) <= self.last - self.first < timedelta(days=MAX_DAYS):
            raise ValueError(f"last must be 0 to {MAX_DAYS - 1} days after first")
        return self


_WRITERS: Final[Mapping[Format, tuple[Callable[[Figures, str], bytes], str, bool]]] = {
    Format.HTML: (write_html, "text/html", True),
    Format.PDF: (write_pdf, "application/pdf", True),
    Format.XLSX: (write_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", False),
    Format.CSV: (write_csv, "text/csv", False),
}


@declare(
    "make_report",
    queue=Queue.REPORTS,
    timeout_s=1_800,
    dedup=lambda payload: report_dedup(payload.report_id, payload.model_dump(mode="json")),
)
async def make_report(ctx: Context, payload: MakeReport) -> dict[str, Any]:
    """Make a report and say where it can be fetched."""
    here = platform(ctx)
    write, content_type, drawn = _WRITERS[payload.format]
    if drawn and not installed(REPORTS):
        raise Unrecoverable(
            f"a report as {payload.format} needs the reports extra", "Run: pip install 'qconsole[reports]'"
        )
    check_links(here)
    ctx.progress(10)
    async with here.database.reading() as session:
        figures = await read_figures(
            session,
            first=payload.first,
            last=payload.last,
            zone=payload.zone,
            currency=payload.currency or here.settings.currency,
            customer=payload.customer,
        )
    ctx.progress(40)
    content = await asyncio.to_thread(write, figures, payload.title)
    if len(content) > MAX_BYTES:
        raise Unrecoverable(f"a report must be at most {MAX_BYTES:,} bytes, got {len(content):,}; ask for fewer days")
    ctx.progress(80)
    stored = await here.storage.put(content)
    name = f"{payload.report_id}.{payload.format}"
    note = await keep_result(here, stored, name=name, content_type=content_type, purpose="report")
    link = download_link(here, note)
    if payload.notify is not None:
        variables = {"name": payload.title, "link": link, "expires_ms": note.expires_ms, "zone": payload.zone}
        mail = SendEmail(to=[payload.notify], template="file_ready", variables=variables)
        await client_of(ctx).enqueue(send_email, mail, job_id=f"report-{ctx.id}")
    ctx.progress(100)
    return {"report_id": payload.report_id, "file_ref": stored.ref, "bytes": stored.size_bytes, "link": link}
