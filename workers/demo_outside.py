"""The world around the demo, on loopback: a mail server, the receivers of webhooks and a pager.

`python -m workers.demo_outside FOLDER` listens on ports of its own, which it writes to FOLDER/ports.json, and keeps
what it gets in FOLDER/mails.jsonl, webhooks.jsonl and pager.jsonl. It refuses some of it, each time in the same way.
"""

import argparse
import asyncio
import socket
from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path
from typing import Final

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

LOOPBACK: Final = "127.0.0.1"
PORTS: Final = "ports.json"
MAX_MAIL_BYTES: Final = 32 * 1024 * 1024


class Outside:
    """Answers by whom something is for, and notes what it took."""

    FAILS_FIRST: Final = 2
    """How often /warehouse answers 500 before it is well again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: Counter[str] = Counter()

    def recipient(self, address: str) -> str:
        """Return the mail server's answer to a recipient."""
        name = address.partition("@")[0]
        self._seen[address] += 1
        if name.startswith("nobody"):
            return "550 5.1.1 no such person here"
        if name.startswith("later") and self._seen[address] == 1:
            return "450 4.2.0 greylisted, try again later"
        return "250 2.1.5 fine"

    def mail(self, recipients: list[str], content: bytes) -> None:
        """Note a mail."""
        subject = str(message_from_bytes(content, policy=policy.default)["subject"])
        self._note("mails", {"to": recipients, "subject": subject, "bytes": len(content)})

    async def posted(self, request: Request) -> Response:
        """Answer a webhook or a page."""
        name = request.path_params["name"]
        body = await request.body()
        self._seen[name] += 1
        status = {"gone": 410, "down": 500, "pager": 202}.get(name, 200)
        if name == "warehouse" and self._seen[name] <= self.FAILS_FIRST:
            status = 500
        kind = "pager" if name == "pager" else "webhooks"
        self._note(kind, {"to": name, "status": status, "id": request.headers.get("webhook-id"), "bytes": len(body)})
        return Response(status_code=status)

    def _note(self, kind: str, what: dict[str, object]) -> None:
        with (self._folder / f"{kind}.jsonl").open("ab") as file:
            file.write(orjson.dumps(what) + b"\n")


class MailServer:
    """Just enough of SMTP to take mails."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk with one client until it leaves."""
        recipients: list[str] = []
        answer = "220 the demo's mail server"
        try:
            while not writer.is_closing():
                writer.write(answer.encode() + b"\r\n")
                await writer.drain()
                line = (await reader.readuntil(b"\r\n")).decode(errors="replace").strip()
                verb = line[:4].upper()
                if verb == "RCPT":
                    address = line.partition("<")[2].partition(">")[0]
                    answer = self._outside.recipient(address)
                    if answer.startswith("250"):
                        recipients.append(address)
                elif verb == "DATA":
                    answer = await self._data(reader, writer, recipients)
                    recipients = []
                elif verb == "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    recipients = [] if verb in ("MAIL", "RSET") else recipients
                    known = verb in ("EHLO", "HELO", "MAIL", "RSET", "NOOP")
                    answer = "250 fine" if known else "502 this server does not know that"
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            # The client left, or does not speak SMTP: either way there is nobody to answer.
            return
        finally:
            writer.close()

    async def _data(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, recipients: list[str]) -> str:
        if not recipients:
            return "503 no recipient yet"
        writer.write(b"354 go on, end with a dot\r\n")
        content = await reader.readuntil(b"\r\n.\r\n")
        self._outside.mail(recipients, content.replace(b"\r\n..", b"\r\n.").removesuffix(b".\r\n"))
        return "250 taken"


async def main() -> None:
    """Listen until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m workers.demo_outside")
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    outside = Outside(folder)
    mail = await asyncio.start_server(MailServer(outside).serve, LOOPBACK, 0, limit=MAX_MAIL_BYTES)
    app = Starlette(routes=[Route("/{name}", outside.posted, methods=["POST"])])
    config = uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
    http = socket.create_server((LOOPBACK, 0))
    ports = {"smtp": mail.sockets[0].getsockname()[1], "http": http.getsockname()[1]}
    part = folder / f"{PORTS}.part"
    part.write_bytes(orjson.dumps(ports))
    part.replace(folder / PORTS)
    await uvicorn.Server(config).serve(sockets=[http])


if __name__ == "__main__":
    asyncio.run(main())
