"""Reads ZIP archives and Outlook's envelopes: every document in one by its own reader, as a mail's attachments are."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable

from workers.documents.errors import UnreadableBlank, UnreadableBroken, UnreadableDocument, UnreadableTooLarge
from workers.documents.limits import MAX_FILE_BYTES, MAX_MAIL_ATTACHMENTS, MAX_MAIL_DEPTH
from workers.documents.model import Kind, ParsedDocument
from workers.documents.spreadsheet import check_zip
from workers.documents.tnef import unwrap

_OFFICE = ("[Content_Types].xml", "mimetype", "META-INF/manifest.xml")
Reader = Callable[[bytes, str | None, int], ParsedDocument]


def is_archive(data: bytes) -> bool:
    """Tell whether a ZIP file holds files of its owner rather than the parts of an office document."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return not any(entry in _OFFICE for entry in archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError):
        return False


def read_archive(data: bytes, *, name: str | None, depth: int, read: Reader) -> ParsedDocument:
    """Return an archive as the documents in it that can be read; what could not be is noted.

    Args:
        data: The whole archive.
        name: Its file name.
        depth: How many mails and archives it is nested in.
        read: Reads a document: its bytes, its name, its depth.

    Raises:
        UnreadableBlank: None of its files can be read.
        UnreadableBroken: It is damaged.
        UnreadableTooLarge: It is nested too deeply, holds too many files, or unpacks to too much.
    """
    if depth >= MAX_MAIL_DEPTH:
        raise UnreadableTooLarge(f"archives must be nested at most {MAX_MAIL_DEPTH} deep")
    check_zip(data)
    documents: list[ParsedDocument] = []
    notes: list[str] = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_litter(entry.filename)]
        if len(entries) > MAX_MAIL_ATTACHMENTS:
            raise UnreadableTooLarge(f"an archive must hold at most {MAX_MAIL_ATTACHMENTS} files, got {len(entries)}")
        for entry in entries:
            if entry.file_size > MAX_FILE_BYTES:
                notes.append(f"{entry.filename}: the file must be at most {MAX_FILE_BYTES} bytes")
                continue
            try:
                documents.append(read(archive.read(entry), entry.filename, depth + 1))
            except UnreadableDocument as error:
                notes.append(f"{entry.filename}: {error.reason}")
            except RuntimeError:
                notes.append(f"{entry.filename}: it is protected by a password")
            except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
                raise UnreadableBroken("the archive is damaged; ask the sender to pack it again") from error
    if not documents:
        raise UnreadableBlank("the archive has no readable file" + "".join(f"; {note}" for note in notes))
    return ParsedDocument(Kind.ARCHIVE, name, attachments=tuple(documents), notes=tuple(notes))


def read_envelope(data: bytes, *, name: str | None, depth: int, read: Reader) -> ParsedDocument:
    """Return a `winmail.dat` as the documents in it that can be read; what could not be is noted.

    Args:
        data: The whole envelope.
        name: Its file name.
        depth: How many mails and archives it is nested in.
        read: Reads a document: its bytes, its name, its depth.

    Raises:
        UnreadableBlank: Nothing in it can be read.
        UnreadableBroken: It is damaged.
        UnreadableTooLarge: It is nested too deeply or holds too many files.
    """
    if depth >= MAX_MAIL_DEPTH:
        raise UnreadableTooLarge(f"archives must be nested at most {MAX_MAIL_DEPTH} deep")
    files = unwrap(data)
    if len(files) > MAX_MAIL_ATTACHMENTS:
        raise UnreadableTooLarge(f"a mail must have at most {MAX_MAIL_ATTACHMENTS} attachments, got {len(files)}")
    documents: list[ParsedDocument] = []
    notes: list[str] = []
    for file in files:
        try:
            documents.append(read(file.content, file.name, depth + 1))
        except UnreadableDocument as error:
            notes.append(f"{file.name or 'the text'}: {error.reason}")
    if not documents:
        raise UnreadableBlank("the winmail.dat has no readable file" + "".join(f"; {note}" for note in notes))
    return ParsedDocument(Kind.ARCHIVE, name, attachments=tuple(documents), notes=tuple(notes))


def _is_litter(path: str) -> bool:
    """Tell whether an entry is what an operating system leaves beside the files."""
    return path.startswith("__MACOSX/") or path.rsplit("/", 1)[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")
