"""Results people fetch: kept in the storage for some days, behind a signed link that expires."""

from urllib.parse import quote

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from qconsole.errors import ConfigError, Forbidden, NotFound
from workers.db.models import StoredFile
from workers.platform import Platform
from workers.policies import DAY_S
from workers.storage import Stored


async def keep_result(here: Platform, stored: Stored, *, name: str, content_type: str, purpose: str) -> StoredFile:
    """Notes a result in the storage, to be kept as long as the settings say, and returns the note."""
    now_ms = here.clock.now_ms()
    expires_ms = now_ms + here.settings.result_keep_days * DAY_S * 1_000
    note = StoredFile(
        ref=stored.ref,
        name=name[:255],
        content_type=content_type,
        size_bytes=stored.size_bytes,
        sha256=stored.ref,
        purpose=purpose,
        created_ms=now_ms,
        expires_ms=expires_ms,
    )
    async with here.database.writing() as session:
        known = await session.get(StoredFile, stored.ref)
        if known is not None and (known.expires_ms is None or known.expires_ms > expires_ms):
            # The same content is kept for another reason too, and for longer.
            note.expires_ms = known.expires_ms
        return await session.merge(note)


def check_links(here: Platform) -> None:
    """Makes sure that links can be signed, before work is done for one.

    Raises:
        ConfigError: there is no secret to sign them with.
    """
    _signer(here)


def download_link(here: Platform, note: StoredFile) -> str:
    """Returns the signed address of a result; it works as long as the result is kept."""
    return f"{here.settings.public_url}/files/{quote(_signer(here).dumps(note.ref))}/{quote(note.name)}"


async def opened_link(here: Platform, token: str) -> StoredFile:
    """Returns the result a link is for.

    Raises:
        Forbidden: the link was not made here, or is too old. NotFound: the result is gone.
    """
    try:
        ref = _signer(here).loads(token, max_age=here.settings.result_keep_days * DAY_S)
    except SignatureExpired as error:
        raise Forbidden("the link has expired", "Ask for the file again.") from error
    except BadSignature as error:
        raise Forbidden("the link is not valid") from error
    async with here.database.reading() as session:
        note = await session.get(StoredFile, str(ref))
    if note is None or (note.expires_ms or 0) <= here.clock.now_ms():
        raise NotFound("the file is no longer kept", "Ask for it again.")
    return note


def _signer(here: Platform) -> URLSafeTimedSerializer:
    secret = here.settings.link_secret.get_secret_value()
    if len(secret) < 16:
        raise ConfigError(
            "links to results need PLATFORM_LINK_SECRET of at least 16 characters",
            "Set it to a random text, the same for every worker.",
        )
    return URLSafeTimedSerializer(secret, salt="downloads")
