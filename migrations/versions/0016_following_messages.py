"""Messages that are changed when the secret that they are about is over: reminders, passphrases, buttons to try again.

A new table: code from before runs on this schema and does not use it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "following_messages",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("enterprise_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.String(22), nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("ts", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_following_messages")),
        sa.UniqueConstraint("channel", "ts", name=op.f("uq_following_messages_channel_ts")),
    )
    op.create_index(op.f("ix_following_messages_subject_id"), "following_messages", ["subject_id"])
