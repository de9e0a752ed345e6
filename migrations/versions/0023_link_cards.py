"""Cards under one-time links that somebody posted, and whom the bot has warned of a private link.

New tables: code from before runs on this schema and does not use them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

UNFINISHED = "posted_at IS NULL OR (state <> 'open' AND link IS NOT NULL)"


def upgrade() -> None:
    op.create_table(
        "link_cards",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("enterprise_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("message_team", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("ts", sa.String(32), nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("link", sa.LargeBinary),
        sa.Column("blind_index", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("posted_at", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_cards")),
        sa.UniqueConstraint(
            "message_team",
            "channel",
            "ts",
            "blind_index",
            name=op.f("uq_link_cards_message_team_channel_ts_blind_index"),
        ),
        sa.CheckConstraint("state IN ('open', 'opened', 'burned')", name=op.f("ck_link_cards_state")),
    )
    op.create_index(op.f("ix_link_cards_blind_index"), "link_cards", ["blind_index"])
    op.create_index(op.f("ix_link_cards_expires_at"), "link_cards", ["expires_at"])
    op.create_index(
        "ix_link_cards_unfinished",
        "link_cards",
        ["created_at"],
        sqlite_where=sa.text(UNFINISHED),
        postgresql_where=sa.text(UNFINISHED),
    )
    op.create_table(
        "link_warnings",
        sa.Column("enterprise_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("blind_index", sa.LargeBinary, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("enterprise_id", "team_id", "user_id", "blind_index", name=op.f("pk_link_warnings")),
    )
    op.create_index(op.f("ix_link_warnings_until"), "link_warnings", ["until"])
