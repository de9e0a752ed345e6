"""Claims by host, reminders once and in a person's own zone, what opens a tracked secret, and what was let go.

Only new columns that may be empty, a table and indexes: code of 0002 runs on this schema and knows nothing of them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OWNER = ("enterprise_id", "team_id", "user_id")


def upgrade() -> None:
    op.add_column("watches", sa.Column("everything_since", sa.Double))
    op.add_column("watches", sa.Column("zone", sa.String(64)))
    op.create_index(op.f("ix_watches_host_next_look_at"), "watches", ["host", "next_look_at"])
    op.drop_index(op.f("ix_watches_next_look_at"), "watches")
    op.add_column("tracked", sa.Column("reminded_at", sa.Double))
    op.add_column("tracked", sa.Column("secret_blind", sa.LargeBinary))
    _partial_index("ix_tracked_made_at", ["made_at"], "over_at IS NULL")
    _partial_index("ix_tracked_secret_blind", ["secret_blind"], "secret_blind IS NOT NULL")
    _let_go()


def _let_go() -> None:
    op.create_table(
        "let_go",
        *(sa.Column(name, sa.String(32), nullable=False) for name in OWNER),
        sa.Column("blind", sa.LargeBinary, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint(*OWNER, "blind", name=op.f("pk_let_go")),
    )
    op.create_index(op.f("ix_let_go_until"), "let_go", ["until"])


def _partial_index(name: str, columns: list[str], where: str) -> None:
    op.create_index(op.f(name), "tracked", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
