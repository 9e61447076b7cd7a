"""Two catalogues and the truth between them."""

from dataclasses import dataclass

from workers.documents.matching.catalogue import CatalogueRow, Line


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Two catalogues and the truth between them: (line id, row id)."""

    lines: list[Line]
    rows: list[CatalogueRow]
    truth: set[tuple[str, str]]
