"""The platform's settings, from `PLATFORM_*` variables; secrets never show in reprs or logs."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class PlatformSettings(BaseSettings):
    """Where the platform keeps things and whom it talks to; secrets never show in reprs or logs."""

    model_config = SettingsConfigDict(env_prefix="PLATFORM_", frozen=True, extra="ignore")

    database_url: str = Field(default="sqlite:///.qconsole/platform.db", repr=False)
    storage_dir: Path = Path(".qconsole/files")
    public_url: str = "http://127.0.0.1:8721"
    link_secret: SecretStr = SecretStr("")
    currency: str = "EUR"

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=25, ge=1, le=65_535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_ca_file: Path | None = None
    smtp_timeout_s: float = Field(default=20.0, gt=0)
    mail_from: str = "Procurement <no-reply@localhost.localdomain>"
    mail_max_bytes: int = Field(default=15 * 1024 * 1024, gt=0)

    webhook_timeout_s: float = Field(default=10.0, gt=0)
    webhook_allowed_networks: tuple[str, ...] = ()

    pagerduty_key: SecretStr = SecretStr("")
    pagerduty_url: str = "https://events.pagerduty.com/v2/enqueue"
    alert_webhooks: tuple[SecretStr, ...] = ()
    alert_emails: tuple[str, ...] = ()

    catalogue_source: str = ""
    catalogue_max_shrink: float = Field(default=0.2, ge=0, le=1)

    reader_processes: int = Field(default=2, ge=1, le=64)
    result_keep_days: int = Field(default=14, ge=1)
    review_emails: tuple[str, ...] = ()
    review_reminder_h: int = Field(default=24, ge=1)
