"""Creates the schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from workers.db.models.base import ExactNumber

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "catalogue_imports",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("file_ref", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=255), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("checkpoint", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("difference", _JSON, nullable=True),
        sa.Column("errors_ref", sa.String(length=255), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_catalogue_imports"),
    )
    op.create_index("ix_catalogue_imports_source", "catalogue_imports", ["source"], unique=False)
    op.create_table(
        "catalogue_rows",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("brand", sa.String(length=255), nullable=False),
        sa.Column("unit", sa.String(length=255), nullable=False),
        sa.Column("price", ExactNumber(), nullable=True),
        sa.Column("currency", sa.String(length=255), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("import_id", sa.String(length=255), nullable=True),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_catalogue_rows"),
    )
    op.create_index("ix_catalogue_rows_active", "catalogue_rows", ["active"], unique=False)
    op.create_index("ix_catalogue_rows_updated_ms", "catalogue_rows", ["updated_ms"], unique=False)
    op.create_table(
        "documents",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("file_ref", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=True),
        sa.Column("job_id", sa.String(length=255), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lines_found", sa.Integer(), nullable=False),
        sa.Column("lines_matched", sa.Integer(), nullable=False),
        sa.Column("lines_in_review", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("processed_ms", sa.BigInteger(), nullable=True),
        sa.Column("reminded_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
    )
    op.create_index("ix_documents_status", "documents", ["status"], unique=False)
    op.create_table(
        "email_deliveries",
        sa.Column("mail_id", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("template", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=255), nullable=False),
        sa.Column("reply_code", sa.Integer(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mail_id", "recipient", name="pk_email_deliveries"),
    )
    op.create_index("ix_email_deliveries_at_ms", "email_deliveries", ["at_ms"], unique=False)
    op.create_index("ix_email_deliveries_recipient", "email_deliveries", ["recipient"], unique=False)
    op.create_table(
        "email_suppressions",
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reply_code", sa.Integer(), nullable=True),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address", name="pk_email_suppressions"),
    )
    op.create_table(
        "failed_jobs",
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("queue", sa.String(length=255), nullable=False),
        sa.Column("job_id", sa.String(length=255), nullable=False),
        sa.Column("job_type", sa.String(length=255), nullable=False),
        sa.Column("severity", sa.String(length=255), nullable=False),
        sa.Column("cause", sa.String(length=255), nullable=False),
        sa.Column("payload", _JSON, nullable=True),
        sa.Column("error_type", sa.String(length=255), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("traceback", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=255), nullable=False),
        sa.Column("incident_key", sa.String(length=255), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("stalls", sa.Integer(), nullable=False),
        sa.Column("enqueued_ms", sa.BigInteger(), nullable=True),
        sa.Column("failed_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=255), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("replayed_as", sa.String(length=255), nullable=True),
        sa.Column("resolved_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("entry_id", name="pk_failed_jobs"),
    )
    op.create_index("ix_failed_jobs_fingerprint", "failed_jobs", ["fingerprint"], unique=False)
    op.create_index("ix_failed_jobs_incident_key", "failed_jobs", ["incident_key"], unique=False)
    op.create_index("ix_failed_jobs_job_id", "failed_jobs", ["job_id"], unique=False)
    op.create_index("ix_failed_jobs_open", "failed_jobs", ["status", "queue"], unique=False)
    op.create_table(
        "fanouts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(length=255), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("link", sa.String(length=255), nullable=True),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("last_user_id", sa.String(length=255), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_fanouts"),
    )
    op.create_table(
        "incidents",
        sa.Column("dedup_key", sa.String(length=255), nullable=False),
        sa.Column("severity", sa.String(length=255), nullable=False),
        sa.Column("summary", sa.String(length=255), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("told", _JSON, nullable=False),
        sa.Column("opened_by", sa.String(length=255), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("alerted_ms", sa.BigInteger(), nullable=True),
        sa.Column("resolved_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("dedup_key", name="pk_incidents"),
    )
    op.create_table(
        "match_decisions",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("description_key", sa.String(), nullable=False),
        sa.Column("row_id", sa.String(length=255), nullable=False),
        sa.Column("decided_by", sa.String(length=255), nullable=False),
        sa.Column("decided_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer", "description_key", name="pk_match_decisions"),
    )
    op.create_table(
        "outgoing_events",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("customer", sa.String(length=255), nullable=False),
        sa.Column("payload", _JSON, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outgoing_events"),
    )
    op.create_index("ix_outgoing_events_pending", "outgoing_events", ["sent_ms", "created_ms"], unique=False)
    op.create_table(
        "parsed_files",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("engine", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("lines", _JSON, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "engine", name="pk_parsed_files"),
    )
    op.create_index("ix_parsed_files_created_ms", "parsed_files", ["created_ms"], unique=False)
    op.create_table(
        "schedule_runs",
        sa.Column("schedule", sa.String(length=64), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=False),
        sa.Column("told_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("schedule", name="pk_schedule_runs"),
    )
    op.create_table(
        "sessions",
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_digest", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_ms", "sessions", ["expires_ms"], unique=False)
    op.create_table(
        "stored_files",
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("content_type", sa.String(length=255), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=255), nullable=False),
        sa.Column("purpose", sa.String(length=255), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("ref", name="pk_stored_files"),
    )
    op.create_index("ix_stored_files_expires_ms", "stored_files", ["expires_ms"], unique=False)
    op.create_index("ix_stored_files_sha256", "stored_files", ["sha256"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("locale", sa.String(length=255), nullable=False),
        sa.Column("zone", sa.String(length=255), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("quiet_from_min", sa.Integer(), nullable=True),
        sa.Column("quiet_until_min", sa.Integer(), nullable=True),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_index("ix_users_tenant", "users", ["tenant"], unique=False)
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.String(length=255), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secrets", _JSON, nullable=False),
        sa.Column("events", _JSON, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since_ms", sa.BigInteger(), nullable=True),
        sa.Column("disabled_ms", sa.BigInteger(), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_endpoints"),
    )
    op.create_index("ix_webhook_endpoints_customer", "webhook_endpoints", ["customer"], unique=False)
    op.create_table(
        "document_lines",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("quantity", ExactNumber(), nullable=True),
        sa.Column("unit", sa.String(length=255), nullable=True),
        sa.Column("part_number", sa.String(length=255), nullable=True),
        sa.Column("unit_price", ExactNumber(), nullable=True),
        sa.Column("line_total", ExactNumber(), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("box", _JSON, nullable=True),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("review", _JSON, nullable=False),
        sa.Column("row_id", sa.String(length=255), nullable=True),
        sa.Column("match_confidence", sa.Double(), nullable=False),
        sa.Column("match_source", sa.String(length=255), nullable=False),
        sa.Column("alternatives", _JSON, nullable=False),
        sa.Column("unit_factor", ExactNumber(), nullable=True),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name="fk_document_lines_document_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_document_lines"),
        sa.UniqueConstraint("document_id", "position", name="uq_document_lines_document_id"),
    )
    op.create_index("ix_document_lines_review", "document_lines", ["needs_review"], unique=False)
    op.create_table(
        "notification_preferences",
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("channels", _JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_notification_preferences_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "event", name="pk_notification_preferences"),
    )
    op.create_table(
        "notifications",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("event", sa.String(length=255), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("link", sa.String(length=255), nullable=True),
        sa.Column("channels", _JSON, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("read_ms", sa.BigInteger(), nullable=True),
        sa.Column("digest_due_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_notifications_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
        sa.UniqueConstraint("user_id", "event_id", name="uq_notifications_user_id"),
    )
    op.create_index("ix_notifications_digest", "notifications", ["digest_due_ms"], unique=False)
    op.create_index("ix_notifications_unread", "notifications", ["user_id", "read_ms"], unique=False)
    op.create_table(
        "refused_rows",
        sa.Column("import_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["catalogue_imports.id"], name="fk_refused_rows_import_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "position", name="pk_refused_rows"),
    )
    op.create_table(
        "staged_rows",
        sa.Column("import_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=255), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("brand", sa.String(length=255), nullable=False),
        sa.Column("unit", sa.String(length=255), nullable=False),
        sa.Column("price", ExactNumber(), nullable=True),
        sa.Column("currency", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["catalogue_imports.id"], name="fk_staged_rows_import_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "position", name="pk_staged_rows"),
    )
    op.create_index("ix_staged_rows_import_code", "staged_rows", ["import_id", "code"], unique=False)
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("endpoint_id", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("replay", sa.Boolean(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoints.id"], name="fk_webhook_deliveries_endpoint_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
    )
    op.create_index("ix_webhook_deliveries_at_ms", "webhook_deliveries", ["at_ms"], unique=False)
    op.create_index("ix_webhook_deliveries_event", "webhook_deliveries", ["event_id", "endpoint_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_webhook_deliveries_event", table_name="webhook_deliveries")
    op.drop_index("ix_webhook_deliveries_at_ms", table_name="webhook_deliveries")
    op.drop_table("webhook_deliveries")
    op.drop_index("ix_staged_rows_import_code", table_name="staged_rows")
    op.drop_table("staged_rows")
    op.drop_table("refused_rows")
    op.drop_index("ix_notifications_unread", table_name="notifications")
    op.drop_index("ix_notifications_digest", table_name="notifications")
    op.drop_table("notifications")
    op.drop_table("notification_preferences")
    op.drop_index("ix_document_lines_review", table_name="document_lines")
    op.drop_table("document_lines")
    op.drop_index("ix_webhook_endpoints_customer", table_name="webhook_endpoints")
    op.drop_table("webhook_endpoints")
    op.drop_index("ix_users_tenant", table_name="users")
    op.drop_table("users")
    op.drop_index("ix_stored_files_sha256", table_name="stored_files")
    op.drop_index("ix_stored_files_expires_ms", table_name="stored_files")
    op.drop_table("stored_files")
    op.drop_index("ix_sessions_expires_ms", table_name="sessions")
    op.drop_table("sessions")
    op.drop_table("schedule_runs")
    op.drop_index("ix_parsed_files_created_ms", table_name="parsed_files")
    op.drop_table("parsed_files")
    op.drop_index("ix_outgoing_events_pending", table_name="outgoing_events")
    op.drop_table("outgoing_events")
    op.drop_table("match_decisions")
    op.drop_table("incidents")
    op.drop_table("fanouts")
    op.drop_index("ix_failed_jobs_open", table_name="failed_jobs")
    op.drop_index("ix_failed_jobs_job_id", table_name="failed_jobs")
    op.drop_index("ix_failed_jobs_incident_key", table_name="failed_jobs")
    op.drop_index("ix_failed_jobs_fingerprint", table_name="failed_jobs")
    op.drop_table("failed_jobs")
    op.drop_table("email_suppressions")
    op.drop_index("ix_email_deliveries_recipient", table_name="email_deliveries")
    op.drop_index("ix_email_deliveries_at_ms", table_name="email_deliveries")
    op.drop_table("email_deliveries")
    op.drop_index("ix_documents_status", table_name="documents")
    op.drop_table("documents")
    op.drop_index("ix_catalogue_rows_updated_ms", table_name="catalogue_rows")
    op.drop_index("ix_catalogue_rows_active", table_name="catalogue_rows")
    op.drop_table("catalogue_rows")
    op.drop_index("ix_catalogue_imports_source", table_name="catalogue_imports")
    op.drop_table("catalogue_imports")
