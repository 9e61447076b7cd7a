"""Reads documents and finds their line items: bytes in, `LineItem`s out. No queue, no network, no database."""

from workers.documents.errors import DocumentError, UnreadableDocument
from workers.documents.extract import extract, read_line_items
from workers.documents.model import Box, Kind, LineItem, ParsedDocument, Review
from workers.documents.parse import parse

__all__ = [
    "Box",
    "DocumentError",
    "Kind",
    "LineItem",
    "ParsedDocument",
    "Review",
    "UnreadableDocument",
    "extract",
    "parse",
    "read_line_items",
]
