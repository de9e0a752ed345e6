"""Requests for a secret, and what a person did that is limited.

Only new tables: code of 0004 runs on this schema and knows nothing of them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OWNER = ("enterprise_id", "team_id", "user_id")


def _owner() -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.String(32), nullable=False) for name in OWNER)


def upgrade() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.String(22), nullable=False),
        *_owner(),
        sa.Column("asked_id", sa.String(32), nullable=False),
        sa.Column("note", sa.LargeBinary),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("message_channel", sa.String(32)),
        sa.Column("message_ts", sa.String(32)),
        sa.Column("card_channel", sa.String(32)),
        sa.Column("card_ts", sa.String(32)),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("over_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.CheckConstraint(
            "state IN ('waiting', 'asked', 'answered', 'withdrawn', 'declined', 'expired', 'undeliverable')",
            name=op.f("ck_requests_state"),
        ),
    )
    _partial_index("ix_requests_expires_at", "requests", ["expires_at"], "over_at IS NULL")
    _partial_index("ix_requests_over_at", "requests", ["over_at"], "over_at IS NOT NULL")
    op.create_table(
        "uses",
        sa.Column("id", sa.String(22), nullable=False),
        *_owner(),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("once", sa.String(80)),
        sa.Column("at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uses")),
    )
    op.create_index(op.f("ix_uses_at"), "uses", ["at"])
    op.create_index(op.f("ix_uses_of"), "uses", [*OWNER, "kind", "at"])


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(op.f(name), table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
