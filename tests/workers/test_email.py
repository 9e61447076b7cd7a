"""Mails go out over a real SMTP session, once to each recipient, whatever is refused and retried."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import select

from qconsole.errors import Unrecoverable
from tests.workers.smtp_server import Server, smtp_server
from tests.workers.support import context, settings_in
from workers.db.models import EmailDelivery, EmailSuppression
from workers.email import Attachment, RefusedForNow, SendEmail, send_email
from workers.mail.smtp import MailServerUnavailable
from workers.platform import Platform, opened

ORDER: dict[str, Any] = {
    "order_number": "4711",
    "currency": "EUR",
    "total": "1234.5",
    "lines": [{"description": "Rope <24 mm> & more", "quantity": "200", "unit": "m", "total": "1234.5"}],
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with smtp_server(tmp_path) as found:
        yield found


@pytest.fixture
async def mailing(tmp_path: Path, server: Server) -> AsyncIterator[Platform]:
    settings = settings_in(
        tmp_path,
        smtp_port=server.port,
        smtp_user="robot",
        smtp_password=SecretStr("s3cret"),
        smtp_ca_file=server.ca_file,
        mail_from="Buying <robot@ships.example>",
        mail_max_bytes=1_000,
        reader_processes=1,
    )
    async with opened(settings) as found:
        yield found


def _mail(*to: str, **more: Any) -> SendEmail:
    return SendEmail(to=list(to) or ["ann@example.org"], template="order-confirmation", variables=ORDER, **more)


async def _statuses(platform: Platform) -> dict[str, str]:
    async with platform.database.reading() as session:
        return {row.recipient: row.status for row in (await session.execute(select(EmailDelivery))).scalars()}


async def test_a_mail_is_rendered_and_delivered_over_tls_with_a_login(mailing: Platform, server: Server) -> None:
    result = await send_email(context(mailing)[0], _mail("Ann <ann@example.org>", bcc=["secret@example.org"]))
    (got,) = server.got
    assert result["sent"] == ["ann@example.org", "secret@example.org"]
    assert got.recipients == ["ann@example.org", "secret@example.org"]
    assert got.mail["Subject"] == "Order 4711 confirmed"
    assert "secret" not in got.mail.as_string()
    text, html = (got.mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert "200 m Rope <24 mm> & more: EUR 1,234.50" in text.get_content()
    assert "Rope &lt;24 mm&gt; &amp; more" in html.get_content()
    assert "<mj-" not in html.get_content()


async def test_every_attempt_is_the_same_mail_and_a_sent_one_is_not_sent_again(
    mailing: Platform, server: Server
) -> None:
    server.answers["bob@example.org"] = "451 try later"
    with pytest.raises(RefusedForNow, match=r"bob@example\.org \(451 try later"):
        await send_email(context(mailing)[0], _mail("ann@example.org", "bob@example.org"))
    del server.answers["bob@example.org"]
    result = await send_email(context(mailing, attempt=2)[0], _mail("ann@example.org", "bob@example.org"))
    await send_email(context(mailing, attempt=3)[0], _mail("ann@example.org", "bob@example.org"))
    first, second = server.got
    assert (first.recipients, second.recipients) == (["ann@example.org"], ["bob@example.org"])
    assert first.mail["Message-ID"] == second.mail["Message-ID"]
    assert result["sent"] == ["ann@example.org", "bob@example.org"]


async def test_a_recipient_refused_for_good_is_named_and_suppressed(mailing: Platform, server: Server) -> None:
    server.answers["gone@example.org"] = "550 no such user"
    result = await send_email(context(mailing)[0], _mail("ann@example.org", "gone@example.org"))
    assert result["refused"] == {"gone@example.org": "550 no such user"}
    assert await _statuses(mailing) == {"ann@example.org": "sent", "gone@example.org": "refused"}
    again = await send_email(context(mailing, job_id="j2")[0], _mail("ann@example.org", "GONE@example.org"))
    assert again["suppressed"] == ["gone@example.org"]
    async with mailing.database.reading() as session:
        assert (await session.get_one(EmailSuppression, "gone@example.org")).reply_code == 550
    with pytest.raises(Unrecoverable, match="every recipient is suppressed"):
        await send_email(context(mailing, job_id="j3")[0], _mail("gone@example.org"))


async def test_when_all_are_refused_for_good_the_job_is_buried(mailing: Platform, server: Server) -> None:
    server.answers["gone@example.org"] = "550 no such user"
    with pytest.raises(Unrecoverable, match=r"refused for good: gone@example\.org"):
        await send_email(context(mailing)[0], _mail("gone@example.org"))


async def test_refused_content_is_buried_and_suppresses_nobody(mailing: Platform, server: Server) -> None:
    server.data_answer = "554 looks like spam"
    with pytest.raises(Unrecoverable, match="554"):
        await send_email(context(mailing)[0], _mail())
    async with mailing.database.reading() as session:
        assert (await session.execute(select(EmailSuppression))).all() == []


async def test_one_connection_serves_many_mails(mailing: Platform, server: Server) -> None:
    for number in range(5):
        await send_email(context(mailing, job_id=f"j{number}")[0], _mail())
    assert len(server.got) == 5
    assert server.connections == 1


async def test_attachments_travel_by_reference_and_are_capped(mailing: Platform, server: Server) -> None:
    small, large = await mailing.storage.put(b"order,total\n"), await mailing.storage.put(b"x" * 2_000)
    attached = [Attachment(ref=small.ref, name="../../order.csv", content_type="text/csv")]
    await send_email(context(mailing)[0], _mail(attachments=attached))
    (one,) = server.got[0].mail.iter_attachments()
    assert one.get_filename() == "order.csv"
    assert one.get_payload(decode=True) == b"order,total\n"
    with pytest.raises(Unrecoverable, match="at most 1,000 bytes"):
        await send_email(context(mailing, job_id="j2")[0], _mail(attachments=[Attachment(ref=large.ref, name="x")]))
    with pytest.raises(Unrecoverable, match="is gone"):
        await send_email(context(mailing, job_id="j3")[0], _mail(attachments=[Attachment(ref="0" * 64, name="x")]))


async def test_a_line_may_be_encrypted_from_its_first_byte(tmp_path: Path) -> None:
    async with smtp_server(tmp_path, tls_at_once=True) as server:
        settings = settings_in(
            tmp_path, smtp_port=server.port, smtp_security="tls", smtp_user="robot",
            smtp_password=SecretStr("s3cret"), smtp_ca_file=server.ca_file, reader_processes=1,
        )  # fmt: skip
        async with opened(settings) as platform:
            assert (await send_email(context(platform)[0], _mail()))["sent"] == ["ann@example.org"]
        assert [got.recipients for got in server.got] == [["ann@example.org"]]


async def test_a_server_that_is_down_is_tried_again(tmp_path: Path) -> None:
    async with opened(settings_in(tmp_path, smtp_port=1, reader_processes=1)) as platform:
        with pytest.raises(MailServerUnavailable, match=r"127.0.0.1:1 cannot be used"):
            await send_email(context(platform)[0], _mail())


async def test_a_wrong_certificate_is_not_accepted(tmp_path: Path, server: Server) -> None:
    async with opened(settings_in(tmp_path, smtp_port=server.port, reader_processes=1)) as platform:
        with pytest.raises(MailServerUnavailable, match="certificate"):
            await send_email(context(platform)[0], _mail())
    assert server.got == []


@pytest.mark.parametrize(
    "address", ["", "no-at", "a@b\r\nBcc: c@d", "two@x.org, three@x.org", "<script>", "a" * 250 + "@x.org"]
)
def test_what_is_no_address_is_refused_when_the_job_is_queued(address: str) -> None:
    with pytest.raises(ValidationError):
        SendEmail(to=[address], template="order-confirmation")


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("no-such", "there is no mail template"),
        ("../console", "lower case letters"),
        ("order-confirmation", "misses a variable"),
    ],
)
async def test_a_template_that_cannot_be_rendered_is_buried(mailing: Platform, template: str, sentence: str) -> None:
    with pytest.raises(Unrecoverable, match=sentence):
        await send_email(context(mailing)[0], SendEmail(to=["ann@example.org"], template=template))


async def test_a_subject_cannot_smuggle_headers(mailing: Platform, server: Server) -> None:
    variables = {"title": "Hello\r\nBcc: eve@example.org", "body": "x", "link": None}
    await send_email(
        context(mailing)[0], SendEmail(to=["ann@example.org"], template="notification", variables=variables)
    )
    assert server.got[0].mail["Bcc"] is None
    assert server.got[0].recipients == ["ann@example.org"]
