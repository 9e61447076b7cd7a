"""Renders templates: everything is escaped, and every page gets the same few names to work with."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2_fragments import render_block
from markupsafe import Markup
from starlette.responses import Response

from qconsole.admin.views import Applied
from qconsole.web import drawing
from qconsole.web.formats import FILTERS
from qconsole.web.navigation import navigation

if TYPE_CHECKING:
    from qconsole.web.visit import Visit

TOKEN = Markup('<input type="hidden" name="form_token" value="{}">')
THEME_COOKIE = "qconsole_theme"
THEMES = ("light", "dark")
SEARCH_HINTS = {
    "jobs": 'state:failed error~"timed out"',
    "dead letters": 'queue:email error~"timed out"',
    "the audit": 'actor:ada action:"jobs.*"',
}


def templates_folder() -> Path:
    """Return the folder of the templates: inside the installed package, else the checkout's."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "_templates"
    return (packaged if packaged.is_dir() else package.parent / "templates") / "console"


class Pages:
    """The templates, compiled once.

    Args:
        assets: hashed name of every static file.
    """

    def __init__(self, *, assets: dict[str, str]) -> None:
        self._assets = assets
        self._environment = Environment(
            loader=FileSystemLoader(templates_folder(), encoding="utf-8"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(FILTERS)
        self._environment.globals.update(
            sparkline=drawing.sparkline,
            chart_of=drawing.chart,
            chart_data=drawing.chart_data,
            histogram_of=drawing.histogram,
        )
        self._environment.globals["ui"] = self._environment.get_template("_ui.html").module

    def respond(
        self, visit: "Visit", template: str, *, status: int = 200, block: str | None = None, **context: Any
    ) -> Response:
        """Answer a whole page, or one of its blocks."""
        names = self._names(visit, context) | context
        if block is None:
            text = self._environment.get_template(template).render(names)
        else:
            text = render_block(self._environment, template, block, names)
        response = Response(text.encode("utf-8", "backslashreplace"), status, media_type="text/html")
        response.headers["Vary"] = "Accept, HX-Request"
        if block is None and names["notice"] is not None:
            visit.console.notices.clear(response, path=visit.link())
        return response

    def _names(self, visit: "Visit", context: Mapping[str, Any]) -> dict[str, Any]:
        """Return what every template may use."""
        request = visit.request
        console = visit.console
        theme = request.cookies.get(THEME_COOKIE, "")
        actor = visit.identity.actor
        notice: Applied | None = None if visit.is_fragment else console.notices.read(request)
        return {
            "actor": actor,
            "can_act": actor.role in {"operator", "admin"},
            "is_admin": actor.role == "admin",
            "how": visit.identity.how,
            "token": TOKEN.format(visit.identity.form_token),
            "link": visit.link,
            "asset": lambda name: visit.link("static", *self._assets[name].split("/")),
            "environment": console.environment,
            "production": console.production,
            "theme": theme if theme in THEMES else "",
            "notice": notice,
            "now_ms": visit.now_ms,
            "query": dict(request.query_params),
            "filter_text": "",
            "only_plain": False,
            "search_path": visit.link("jobs"),
            "search_noun": "jobs",
            "search_hint": SEARCH_HINTS[str(context.get("search_noun", "jobs"))],
            "crumbs": (),
            "section": "",
            "watch": "",
            "period_ms": 5_000,
            "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "navigation": navigation,
        }
