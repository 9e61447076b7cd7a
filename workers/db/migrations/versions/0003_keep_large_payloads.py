"""Keeps the payloads of jobs that are too large for Redis."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stored_payloads",
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("put_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_stored_payloads"),
    )
    op.create_index("ix_stored_payloads_put_ms", "stored_payloads", ["put_ms"])


def downgrade() -> None:
    op.drop_table("stored_payloads")
