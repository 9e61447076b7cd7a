"""Keeps the code of refused rows, so that what the catalogue has under it stays."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("refused_rows", sa.Column("code", sa.String(length=255), nullable=True))


def downgrade() -> None:
    op.drop_column("refused_rows", "code")
