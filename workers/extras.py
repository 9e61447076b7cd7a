"""Which optional parts are installed, and what is not possible without them, each in one sentence."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

from workers.documents import ocr


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional part: its name in `pip install 'qconsole[name]'`, its modules and what it is for."""

    name: str
    modules: Sequence[str]
    without: str


REPORTS = Extra("reports", ("reportlab", "matplotlib"), "reports as PDF and charts are refused")
POSTGRES = Extra("postgres", ("asyncpg",), "PostgreSQL cannot be used")
OCR = Extra("ocr", (), "scanned documents and photos are refused")


def installed(extra: Extra) -> bool:
    """Tells whether an extra's modules can be imported."""
    if extra is OCR:
        return ocr.available()
    return all(importlib.util.find_spec(module) is not None for module in extra.modules)


def missing_extras(database_url: str) -> list[str]:
    """Returns one sentence for each part that is not installed and may be missed."""
    wanted = [OCR, REPORTS]
    if database_url.startswith("postgres"):
        wanted.append(POSTGRES)
    return [
        f"the {extra.name} extra is not installed: {extra.without} (pip install 'qconsole[{extra.name}]')"
        for extra in wanted
        if not installed(extra)
    ]
