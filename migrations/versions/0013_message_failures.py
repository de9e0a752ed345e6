"""What recovery tried to say in Slack in vain, and which messages still show an older state.

New tables: code from before runs on this schema and does not use them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "message_failures",
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("enterprise_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("refusals", sa.Integer, nullable=False),
        sa.Column("dead_letter", sa.String(80)),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_message_failures")),
    )
    op.create_index(op.f("ix_message_failures_created_at"), "message_failures", ["created_at"])
    op.create_table(
        "outdated_messages",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("ref", sa.String(22), nullable=False),
        sa.Column("enterprise_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("kind", "ref", name=op.f("pk_outdated_messages")),
    )
    op.create_index(op.f("ix_outdated_messages_created_at"), "outdated_messages", ["created_at"])
