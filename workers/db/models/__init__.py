"""Every table, so that one import knows the whole schema."""

from workers.db.models.base import Base
from workers.db.models.catalogue import CatalogueImport, CatalogueRow, MatchDecision, RefusedRow, StagedRow
from workers.db.models.document import Document, DocumentLine, DocumentStatus, ParsedFile
from workers.db.models.email import EmailDelivery, EmailSuppression
from workers.db.models.failed_job import FailedJob, Incident
from workers.db.models.notification import Fanout, Notification, NotificationPreference
from workers.db.models.stored_file import StoredFile
from workers.db.models.stored_payload import StoredPayload
from workers.db.models.upkeep import ScheduleRun, Session
from workers.db.models.user import User
from workers.db.models.webhook import OutgoingEvent, WebhookDelivery, WebhookEndpoint

__all__ = [
    "Base",
    "CatalogueImport",
    "CatalogueRow",
    "Document",
    "DocumentLine",
    "DocumentStatus",
    "EmailDelivery",
    "EmailSuppression",
    "FailedJob",
    "Fanout",
    "Incident",
    "MatchDecision",
    "Notification",
    "NotificationPreference",
    "OutgoingEvent",
    "ParsedFile",
    "RefusedRow",
    "ScheduleRun",
    "Session",
    "StagedRow",
    "StoredFile",
    "StoredPayload",
    "User",
    "WebhookDelivery",
    "WebhookEndpoint",
]
