"""Static files under names that carry their hash: cached for ever; nothing outside the list is served."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_SOURCES = {
    "console.css": ("console.css", "vendor/uPlot.min.css"),
    "console.js": ("console.js",),
    "chart.js": ("vendor/uPlot.iife.min.js", "chart.js"),
    "live-worker.js": ("live-worker.js",),
    "htmx.js": ("vendor/htmx.min.js",),
    "icon.svg": ("icon.svg",),
}


@dataclass(frozen=True, slots=True)
class Asset:
    name: str
    body: bytes
    packed: bytes
    media_type: str


class Assets:
    """The files of `static/`, read once; `url` names are `{hash}/{name}`."""

    def __init__(self) -> None:
        folder = files("qconsole.web") / "static"
        self._by_name: dict[str, Asset] = {}
        for name, sources in _SOURCES.items():
            body = b"\n".join((folder / source).read_bytes() for source in sources)
            digest = hashlib.sha256(body).hexdigest()[:12]
            asset = Asset(f"{digest}/{name}", body, gzip.compress(body, 9, mtime=0), _TYPES[name.rpartition(".")[2]])
            self._by_name[name] = asset
        self._by_path = {asset.name: asset for asset in self._by_name.values()}

    @property
    def names(self) -> Mapping[str, str]:
        """Return the hashed name of every asset by its plain name."""
        return MappingProxyType({name: asset.name for name, asset in self._by_name.items()})

    async def serve(self, request: Request) -> Response:
        """Answer one asset, packed when the browser takes it."""
        asset = self._by_path.get(f"{request.path_params['digest']}/{request.path_params['name']}")
        if asset is None:
            return PlainTextResponse("There is no such file.", 404)
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(asset.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=asset.media_type)
        return Response(asset.body, headers=headers, media_type=asset.media_type)
