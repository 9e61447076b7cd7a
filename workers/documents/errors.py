"""Why a document could not be read.

DocumentError
└── UnreadableDocument   the bytes cannot be turned into pages or sheets; trying again does not help
    ├── UnreadableEncrypted   a password is needed
    ├── UnreadableBlank       nothing is on it
    ├── UnreadableBroken      damaged, cut off, or not what it says it is
    ├── UnreadableTooLarge    over a limit of `limits.py`
    ├── UnreadableKind        a kind of file this engine has no reader for
    └── UnreadableWithoutOcr  a scan, and the `ocr` extra is not installed
"""

from __future__ import annotations


class DocumentError(Exception):
    """Anything this package raises on purpose."""


class UnreadableDocument(DocumentError):
    """The document cannot be read; `name` says which, `reason` says why.

    Args:
        reason: The cause and what to do next, without a full stop.
        name: The file name as given by the sender, if any.
    """

    def __init__(self, reason: str, *, name: str | None = None) -> None:
        self.reason = reason
        self.name = name
        super().__init__(f"{name}: {reason}" if name else reason)


class UnreadableEncrypted(UnreadableDocument):
    """A password is needed to open it."""


class UnreadableBlank(UnreadableDocument):
    """It opens, and nothing is on it."""


class UnreadableBroken(UnreadableDocument):
    """It is damaged, cut off, or not what it says it is."""


class UnreadableTooLarge(UnreadableDocument):
    """It exceeds a limit set in `limits.py`."""


class UnreadableKind(UnreadableDocument):
    """No reader here understands this kind of file."""


class UnreadableWithoutOcr(UnreadableDocument):
    """It is a scan and text recognition is not installed."""
