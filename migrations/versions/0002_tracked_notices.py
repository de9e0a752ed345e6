"""What is looked at, the secrets that people track, what they are to be told, and what they want to hear.

Only new tables: code of 0001 runs on this schema and knows nothing of them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OWNER = ("enterprise_id", "team_id", "user_id")


def _owner() -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.String(32), nullable=False) for name in OWNER)


def upgrade() -> None:
    _watches()
    _tracked()
    _notices()
    op.create_table(
        "preferences",
        *_owner(),
        sa.Column("news", sa.String(80), nullable=False),
        sa.Column("reminders", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint(*OWNER, name=op.f("pk_preferences")),
    )


def _watches() -> None:
    op.create_table(
        "watches",
        sa.Column("id", sa.String(22), nullable=False),
        *_owner(),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("everything", sa.Boolean, nullable=False),
        sa.Column("next_look_at", sa.Double),
        sa.Column("lease", sa.String(22)),
        sa.Column("lease_until", sa.Double),
        sa.Column("refused", sa.Integer, nullable=False),
        sa.Column("refused_since", sa.Double),
        sa.Column("paused", sa.String(16)),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watches")),
        sa.UniqueConstraint(*OWNER, "host", name=op.f("uq_watches_enterprise_id_team_id_user_id_host")),
    )
    op.create_index(op.f("ix_watches_next_look_at"), "watches", ["next_look_at"])


def _tracked() -> None:
    op.create_table(
        "tracked",
        sa.Column("id", sa.String(22), nullable=False),
        *_owner(),
        sa.Column("watch_id", sa.String(22), nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("blind", sa.LargeBinary, nullable=False),
        sa.Column("label", sa.LargeBinary),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("made_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.Column("received_at", sa.Double),
        sa.Column("passphrase_required", sa.Boolean),
        sa.Column("card_channel", sa.String(32)),
        sa.Column("card_ts", sa.String(32)),
        sa.Column("tracked_at", sa.Double, nullable=False),
        sa.Column("over_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracked")),
        sa.UniqueConstraint(*OWNER, "blind", name=op.f("uq_tracked_enterprise_id_team_id_user_id_blind")),
        sa.CheckConstraint(
            "state IN ('new', 'received', 'burned', 'expired', 'orphaned', 'unknown')", name=op.f("ck_tracked_state")
        ),
        sa.ForeignKeyConstraint(["watch_id"], ["watches.id"], name=op.f("fk_tracked_watch_id"), ondelete="CASCADE"),
    )
    op.create_index(op.f("ix_tracked_watch_id"), "tracked", ["watch_id"])
    _partial_index("ix_tracked_over_at", "tracked", ["over_at"], "over_at IS NOT NULL")


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.String(22), nullable=False),
        *_owner(),
        sa.Column("tracked_id", sa.String(22)),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("once", sa.String(80), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("lease", sa.String(22)),
        sa.Column("lease_until", sa.Double),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.Double),
        sa.Column("parked", sa.String(80)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.ForeignKeyConstraint(["tracked_id"], ["tracked.id"], name=op.f("fk_notices_tracked_id"), ondelete="CASCADE"),
        sa.UniqueConstraint("once", name=op.f("uq_notices_once")),
    )
    op.create_index(op.f("ix_notices_tracked_id"), "notices", ["tracked_id"])
    waiting = "sent_at IS NULL AND parked IS NULL"
    _partial_index("ix_notices_due_at", "notices", ["due_at"], waiting)
    _partial_index("ix_notices_first", "notices", [*OWNER, "created_at"], waiting)


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(op.f(name), table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
