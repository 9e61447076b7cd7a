"""Matches what a customer wrote to rows of a catalogue, with a confidence that means what it says."""

from workers.documents.matching.catalogue import (
    Alternative,
    Catalogue,
    CatalogueRow,
    Decisions,
    Line,
    Match,
    Source,
    decision_key,
)
from workers.documents.matching.units import conversion_factor

__all__ = [
    "Alternative",
    "Catalogue",
    "CatalogueRow",
    "Decisions",
    "Line",
    "Match",
    "Source",
    "conversion_factor",
    "decision_key",
]
