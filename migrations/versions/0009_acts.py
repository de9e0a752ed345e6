"""What people do in Slack, so that each act has its effect once among all processes, and gets an answer after a crash.

A new table: code from before runs on this schema and does not use it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "acts",
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("enterprise_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("install_team", sa.String(32)),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("ref", sa.String(22)),
        sa.Column("view_id", sa.String(64)),
        sa.Column("window", sa.String(16)),
        sa.Column("is_event", sa.Boolean, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("answered_at", sa.Double),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_acts")),
    )
    op.create_index(op.f("ix_acts_started_at"), "acts", ["started_at"])
