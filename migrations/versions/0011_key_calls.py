"""Calls by key are counted in the database, for all processes together.

A new table: code from before runs on this schema, and counts for itself.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "key_calls",
        sa.Column("watch_id", sa.String(22), nullable=False),
        sa.Column("calls_left", sa.Double, nullable=False),
        sa.Column("counted_at", sa.Double, nullable=False),
        sa.Column("watch_version", sa.Integer, nullable=False),
        sa.Column("asked_at", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["watch_id"], ["watches.id"], name=op.f("fk_key_calls_watch_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("watch_id", name=op.f("pk_key_calls")),
    )
