"""The mail job: renders, attaches, sends; each recipient gets a mail once.

A recipient refused for now (4xx) is tried again, and only that one; one refused for good (5xx) is suppressed. The
Message-ID is the job's own, so that a mail that was taken just before a crash is recognised when it comes again.
"""

import re
from collections.abc import Mapping, Sequence
from email.utils import getaddresses, parseaddr
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from qconsole.errors import JobError, NotFound, Unrecoverable
from qconsole.runtime import Context, Dedup
from workers.db.models import EmailDelivery
from workers.db.repositories.email import (
    DEFERRED,
    REFUSED,
    SENT,
    SUPPRESSED,
    note_delivery,
    sent_to,
    suppress,
    suppressed,
)
from workers.mail.mail import Attached, Mail, compose, message_id
from workers.mail.rendering import render
from workers.mail.smtp import MailRefused, Reply, Smtp
from workers.platform import Platform, platform
from workers.policies import Queue, declare, email_dedup

MAX_RECIPIENTS = 100
_SHELF = "email.smtp"
_ADDRESS = re.compile(r"[^@\s<>\"(),:;\\]+@[^@\s<>\"(),:;\\]+")
_REPLY_CHARS = 500


def is_mail_address(text: str) -> bool:
    """Returns whether the text is one mail address, with or without a name (`Ann <ann@example.org>`)."""
    address = parseaddr(text)[1]
    one = len(getaddresses([text])) == 1
    return one and len(address) <= 254 and bool(_ADDRESS.fullmatch(address)) and text.isprintable()


def _checked(text: str) -> str:
    if not is_mail_address(text):
        raise ValueError(f"must be a mail address, got {text[:80]!r}")
    return text


MailAddress = Annotated[str, AfterValidator(_checked)]


class Attachment(BaseModel):
    """A stored file to attach; nothing but its reference travels through the queue."""

    ref: str
    name: str = Field(min_length=1, max_length=150)
    content_type: str = "application/octet-stream"


class SendEmail(BaseModel):
    """One mail: to whom, by which template, with which variables."""

    to: list[MailAddress] = Field(min_length=1, max_length=MAX_RECIPIENTS)
    template: str
    variables: dict[str, Any] = Field(default_factory=dict)
    cc: list[MailAddress] = Field(default_factory=list, max_length=MAX_RECIPIENTS)
    bcc: list[MailAddress] = Field(default_factory=list, max_length=MAX_RECIPIENTS)
    reply_to: str = ""
    attachments: list[Attachment] = Field(default_factory=list, max_length=20)
    user_id: str = ""


class RefusedForNow(JobError):
    """Some recipients are to be tried again; `fields` says who."""

    code = "refused_for_now"


def _dedup(payload: SendEmail) -> Dedup:
    return email_dedup(payload.user_id or ",".join(payload.to), payload.template, payload.model_dump(mode="json"))


@declare("send_email", queue=Queue.EMAIL, timeout_s=120, dedup=_dedup)
async def send_email(ctx: Context, payload: SendEmail) -> dict[str, Any]:
    """Render a mail and send it to everybody who has not got it yet."""
    here = platform(ctx)
    mail_id = message_id(ctx.id, here.settings.mail_from)
    everybody = _addresses([*payload.to, *payload.cc, *payload.bcc])
    async with here.database.reading() as session:
        done = await sent_to(session, mail_id)
        barred = await suppressed(session, everybody)
    waiting = [address for address in everybody if address not in done and address.lower() not in barred]
    replies: Mapping[str, Reply] = {}
    if waiting:
        mail = await _composed(here, payload, mail_id, waiting)
        replies = await _delivered(_smtp(here), mail)
        await _note(here, ctx, payload.template, mail_id, replies)
    elif not done:
        raise Unrecoverable(f"every recipient is suppressed: {'; '.join(barred)}", suppressed=sorted(barred))
    return _answer(mail_id, done, barred, replies)


def _addresses(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(parseaddr(text)[1] for text in texts))


async def _composed(here: Platform, payload: SendEmail, mail_id: str, waiting: Sequence[str]) -> Mail:
    attached = []
    room = here.settings.mail_max_bytes
    for one in payload.attachments:
        try:
            content = await here.storage.read(one.ref)
        except NotFound as error:
            raise Unrecoverable(f"attachment {one.name!r} is gone: {error}") from error
        room -= len(content)
        if room < 0:
            raise Unrecoverable(
                f"the attachments must be at most {here.settings.mail_max_bytes:,} bytes together; {one.name!r} is over"
            )
        attached.append(Attached(one.name, one.content_type, content))
    return compose(
        render(payload.template, payload.variables),
        mail_id=mail_id,
        mail_from=here.settings.mail_from,
        to=payload.to,
        cc=payload.cc,
        recipients=waiting,
        reply_to=payload.reply_to,
        attached=attached,
        at_ms=here.clock.now_ms(),
    )


async def _delivered(smtp: Smtp, mail: Mail) -> Mapping[str, Reply]:
    try:
        return await smtp.send(mail)
    except MailRefused as error:
        if error.reply.final:
            raise Unrecoverable(str(error), reply_code=error.reply.code) from error
        raise


async def _note(here: Platform, ctx: Context, template: str, mail_id: str, replies: Mapping[str, Reply]) -> None:
    now_ms = here.clock.now_ms()
    async with here.database.writing() as session:
        for address, reply in replies.items():
            status = SENT if reply.accepted else REFUSED if reply.final else DEFERRED
            text = reply.text[:_REPLY_CHARS]
            await note_delivery(
                session,
                EmailDelivery(
                    mail_id=mail_id,
                    recipient=address,
                    template=template[:255],
                    status=status,
                    reply_code=reply.code,
                    reply=text,
                    attempt=ctx.attempt,
                    at_ms=now_ms,
                ),
            )
            if status == REFUSED:
                await suppress(session, address, reason=text, reply_code=reply.code, at_ms=now_ms)


def _answer(mail_id: str, done: set[str], barred: Mapping[str, str], replies: Mapping[str, Reply]) -> dict[str, Any]:
    sent = sorted(done | {address for address, reply in replies.items() if reply.accepted})
    refused = {address: f"{reply.code} {reply.text}" for address, reply in replies.items() if reply.final}
    deferred = {a: f"{r.code} {r.text}" for a, r in replies.items() if not r.accepted and not r.final}
    if deferred:
        named = "; ".join(f"{address} ({why})" for address, why in deferred.items())
        raise RefusedForNow(f"refused for now: {named}", deferred=deferred, sent=sent, refused=refused)
    if refused and not sent:
        named = "; ".join(f"{address} ({why})" for address, why in refused.items())
        raise Unrecoverable(f"every recipient was refused for good: {named}", refused=refused)
    return {"mail_id": mail_id, SENT: sent, REFUSED: refused, SUPPRESSED: sorted(barred)}


def _smtp(here: Platform) -> Smtp:
    return here.kept(_SHELF, lambda: Smtp(here.settings))
