"""The job types that workers have declared: their queues, payload schemas and attempts. Kept for a few seconds."""

import time
from typing import Any, Final

import orjson

from qconsole.admin.backend import Backend
from qconsole.errors import PayloadInvalid
from qconsole.runtime.keys import GLOBAL

FRESH_S: Final = 5.0


class JobTypes:
    """Reads `qc:{@}:job_types`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[str, dict[str, Any]] = {}
        self._read_at = float("-inf")

    async def all(self) -> dict[str, dict[str, Any]]:
        """Return every declared job type by name; what a worker wrote in a form we do not know is left out."""
        if time.monotonic() - self._read_at >= FRESH_S:
            stored = await self._backend.redis.hgetall(GLOBAL.job_types())  # type: ignore[misc]
            self._known = {}
            for name, text in sorted(stored.items()):
                try:
                    described = orjson.loads(text)
                except orjson.JSONDecodeError:
                    continue
                if isinstance(described, dict):
                    self._known[name.decode("utf-8", "replace")] = described
            self._read_at = time.monotonic()
        return self._known

    async def attempts(self) -> dict[str, int | None]:
        """Return how many attempts each job type has."""
        known = await self.all()
        return {name: allowed for name, said in known.items() if isinstance(allowed := said.get("attempts"), int)}

    async def check(self, job_type: str, fields: Any) -> None:
        """Refuse a payload that breaks its job type's schema; one without a schema may be anything.

        Raises:
            PayloadInvalid: `field` names the first offender.
        """
        schema = (await self.all()).get(job_type, {}).get("schema")
        if not isinstance(schema, dict):
            return
        from jsonschema import Draft202012Validator, FormatChecker

        validator = Draft202012Validator(schema, format_checker=FormatChecker())
        first = min(validator.iter_errors(fields), key=lambda error: list(map(str, error.absolute_path)), default=None)
        if first is not None:
            field = ".".join(str(part) for part in first.absolute_path) or "payload"
            raise PayloadInvalid(f"{field} of {job_type}: {first.message[:300]}", field=field, job_type=job_type)
