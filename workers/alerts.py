"""Tells people of incidents: PagerDuty's Events API v2, chat webhooks, mail. Says what could not be told.

One incident is one alert: its key is the same for every failure of a kind, until it is resolved.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx2

from qconsole.errors import JobError
from workers.config import PlatformSettings

PAGERDUTY: Final = "pagerduty"
_TIMEOUT_S = 10.0
_SUMMARY_CHARS = 1_024
_LEVELS: Final[Mapping[str, str]] = {"critical": "critical", "high": "error", "normal": "warning", "low": "info"}


class AlertFailed(JobError):
    """An alert did not reach its channel; another attempt may."""

    code = "alert_failed"


class AlertRefused(JobError):
    """A channel refused an alert for good."""

    code = "alert_refused"


@dataclass(frozen=True, slots=True)
class Alert:
    """What is told about an incident."""

    dedup_key: str
    summary: str
    severity: str
    queue: str
    job_type: str
    at_ms: int
    link: str
    details: Mapping[str, Any] = field(default_factory=dict)


class Alerts:
    """The channels that the settings name."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._settings = settings
        self._http = httpx2.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the configured channels; a chat webhook is named by its place."""
        pagers = (PAGERDUTY,) if self._settings.pagerduty_key.get_secret_value() else ()
        return (*pagers, *(f"chat:{place}" for place in range(len(self._settings.alert_webhooks))))

    async def tell(self, channel: str, alert: Alert) -> None:
        """Opens the incident on a channel; opening it again there changes nothing.

        Raises:
            AlertFailed, AlertRefused: it was not told.
        """
        if channel == PAGERDUTY:
            await self._post(channel, self._settings.pagerduty_url, self._trigger(alert))
            return
        await self._post(
            channel, self._chat_url(channel), {"text": f"[{alert.severity}] {alert.summary}\n{alert.link}"}
        )

    async def resolve(self, channel: str, dedup_key: str, *, summary: str) -> None:
        """Closes the incident on a channel.

        Raises:
            AlertFailed, AlertRefused: it was not told.
        """
        if channel == PAGERDUTY:
            await self._post(channel, self._settings.pagerduty_url, self._event("resolve", dedup_key))
            return
        await self._post(channel, self._chat_url(channel), {"text": f"[resolved] {summary}"})

    async def close(self) -> None:
        """Closes every connection."""
        await self._http.aclose()

    def _chat_url(self, channel: str) -> str:
        return self._settings.alert_webhooks[int(channel.partition(":")[2])].get_secret_value()

    def _event(self, action: str, dedup_key: str) -> dict[str, Any]:
        key = self._settings.pagerduty_key.get_secret_value()
        return {"routing_key": key, "event_action": action, "dedup_key": dedup_key}

    def _trigger(self, alert: Alert) -> dict[str, Any]:
        return {
            **self._event("trigger", alert.dedup_key),
            "client": "qconsole",
            "client_url": alert.link,
            "payload": {
                "summary": alert.summary[:_SUMMARY_CHARS],
                "source": alert.queue,
                "severity": _LEVELS.get(alert.severity, "error"),
                "timestamp": datetime.fromtimestamp(alert.at_ms / 1_000, UTC).isoformat(),
                "component": alert.job_type,
                "group": alert.queue,
                "custom_details": dict(alert.details),
            },
        }

    async def _post(self, channel: str, url: str, body: Mapping[str, Any]) -> None:
        try:
            response = await self._http.post(url, json=body)
        except httpx2.HTTPError as error:
            raise AlertFailed(f"{channel} cannot be reached: {type(error).__name__}", channel=channel) from error
        if response.status_code < 300:
            return
        problem = f"{channel} answered {response.status_code}: {response.text[:200]}"
        if response.status_code == 429 or response.status_code >= 500:
            raise AlertFailed(problem, channel=channel)
        raise AlertRefused(problem, channel=channel)
