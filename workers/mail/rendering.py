"""Renders a mail's subject, HTML and text from `templates/email/<template>/`; a missing variable is an error.

HTML is MJML, compiled and with its styles inlined; every value is escaped.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, UndefinedError
from mjml import mjml2html

import qconsole
from qconsole.errors import Unrecoverable
from workers.wording import FILTERS

_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
_BLANK = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail's content."""

    subject: str
    html: str
    text: str


def render(template: str, variables: Mapping[str, Any]) -> Rendered:
    """Returns the mail's content.

    Raises:
        Unrecoverable: there is no such template, or a variable it needs is missing.
    """
    name = template.replace("-", "_")
    if not _NAME.fullmatch(name):
        raise Unrecoverable(f"a mail template's name must be lower case letters, digits and dashes, got {template!r}")
    try:
        subject = _BLANK.sub(" ", _environment(False).get_template(f"{name}/subject.txt").render(variables)).strip()
        text = _environment(False).get_template(f"{name}/body.txt").render(variables)
        markup = _environment(True).get_template(f"{name}/body.mjml").render({**variables, "mail_subject": subject})
    except TemplateNotFound as error:
        raise Unrecoverable(f"there is no mail template {template!r}", template=template) from error
    except UndefinedError as error:
        raise Unrecoverable(f"mail template {template!r} misses a variable: {error}", template=template) from error
    except TemplateError as error:
        raise Unrecoverable(f"mail template {template!r} is broken: {error}", template=template) from error
    html = css_inline.inline(mjml2html(markup), load_remote_stylesheets=False)
    return Rendered(subject=subject, html=html, text=text.strip() + "\n")


@cache
def _environment(escaped: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(mail_templates(), encoding="utf-8"),
        autoescape=escaped,  # noqa: S701  subjects and plain texts are no HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment


def mail_templates() -> Path:
    """Returns the folder of the mail templates: inside the installed package, else the checkout's."""
    package = Path(qconsole.__file__).resolve().parent
    packaged = package / "_templates"
    return (packaged if packaged.is_dir() else package.parent / "templates") / "email"
