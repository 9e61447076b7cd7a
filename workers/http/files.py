"""Serves results to people with a signed link: `python -m workers.http.files`, behind `PLATFORM_PUBLIC_URL`.

Only the token says which file; the name in the address is for people. A file is always saved, never shown in the page.
"""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from qconsole.errors import Forbidden, NotFound
from workers.config import PlatformSettings
from workers.downloads import check_links, opened_link
from workers.platform import Platform, opened

HEADERS: Final = {
    "cache-control": "private, no-store",
    "content-security-policy": "default-src 'none'; sandbox",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def files_app(settings: PlatformSettings) -> Starlette:
    """Returns the application; the platform is open as long as it is served."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened(settings) as here:
            check_links(here)
            app.state.platform = here
            yield

    return Starlette(routes=[Route("/files/{token}/{name}", download)], lifespan=lifespan)


async def download(request: Request) -> Response:
    """Answer with the file of a link, or with a sentence: 403 for a link that is not ours or too old, 404 when gone."""
    here: Platform = request.app.state.platform
    try:
        note = await opened_link(here, request.path_params["token"])
    except Forbidden as error:
        return PlainTextResponse(f"{error}. {error.hint or ''}".strip(), 403, HEADERS)
    except NotFound as error:
        return PlainTextResponse(f"{error}. {error.hint or ''}".strip(), 404, HEADERS)
    path = here.storage.path(note.ref)
    if not path.is_file():
        return PlainTextResponse("the file is no longer kept. Ask for it again.", 404, HEADERS)
    return FileResponse(path, headers=HEADERS, media_type=note.content_type, filename=note.name)


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m workers.http.files")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8721)
    options = parser.parse_args()
    # The address of a request holds its token: no access log.
    uvicorn.run(files_app(PlatformSettings()), host=options.host, port=options.port, access_log=False)


if __name__ == "__main__":
    main()
