"""Who is signed in, and who has begun to: known to every server, and after a restart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.String(64), primary_key=True),
        sa.Column("person", sa.Text, nullable=False, index=True),
        sa.Column("groups", sa.Text, nullable=False),
        sa.Column("known_as", sa.Text, nullable=False),
        sa.Column("began", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("used", sa.DateTime(timezone=True), nullable=False, index=True),
    )
    op.create_table(
        "attempts",
        sa.Column("attempt_id", sa.String(64), primary_key=True),
        sa.Column("browser", sa.String(64), nullable=False),
        sa.Column("goes_to", sa.Text, nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("verifier", sa.String(64), nullable=False),
        sa.Column("began", sa.DateTime(timezone=True), nullable=False, index=True),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("attempts")
    op.drop_table("sessions")
