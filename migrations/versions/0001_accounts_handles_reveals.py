"""Accounts, what buttons point at, secrets being opened, and the checks of the encryption keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _owner() -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.String(32), nullable=False) for name in ("enterprise_id", "team_id", "user_id"))


def upgrade() -> None:
    _accounts()
    _handles()
    _reveals()
    op.create_table(
        "key_checks",
        sa.Column("kid", sa.String(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_key_checks")),
    )


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(22), nullable=False),
        *_owner(),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("username", sa.LargeBinary, nullable=False),
        sa.Column("token", sa.LargeBinary, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint(
            "enterprise_id", "team_id", "user_id", "host", name=op.f("uq_accounts_enterprise_id_team_id_user_id_host")
        ),
    )
    op.create_index(
        "ix_accounts_one_default",
        "accounts",
        ["enterprise_id", "team_id", "user_id"],
        unique=True,
        sqlite_where=sa.text("is_default"),
        postgresql_where=sa.text("is_default"),
    )


def _handles() -> None:
    op.create_table(
        "handles",
        sa.Column("id", sa.String(22), nullable=False),
        *_owner(),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("account_id", sa.String(22)),
        sa.Column("key", sa.LargeBinary),
        sa.Column("facts", sa.LargeBinary),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handles")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_handles_account_id"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f("ix_handles_account_id"), "handles", ["account_id"])
    op.create_index(op.f("ix_handles_expires_at"), "handles", ["expires_at"])


def _reveals() -> None:
    op.create_table(
        "reveals",
        sa.Column("id", sa.String(22), nullable=False),
        *_owner(),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("secret_key", sa.LargeBinary),
        sa.Column("blind", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("wrong_tries", sa.Integer, nullable=False),
        sa.Column("unsure", sa.Boolean, nullable=False),
        sa.Column("escrow", sa.LargeBinary),
        sa.Column("escrow_expires_at", sa.Double),
        sa.Column("claimed_at", sa.Double),
        sa.Column("told_at", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reveals")),
        sa.CheckConstraint(
            "state IN ('ready', 'opening', 'claiming', 'escrowed', 'shown', 'over')", name=op.f("ck_reveals_state")
        ),
    )
    op.create_index(op.f("ix_reveals_blind"), "reveals", ["blind"])
    op.create_index(op.f("ix_reveals_expires_at"), "reveals", ["expires_at"])
