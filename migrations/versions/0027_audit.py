"""The audit: a chain of entries for each workspace, the keys that seal them, and counts.

Code from before runs on this schema: it notes nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def _workspace() -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("enterprise_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
    )


def upgrade() -> None:
    op.create_table(
        "audit_chains",
        *_workspace(),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("anchor_sequence", sa.Integer(), nullable=False),
        sa.Column("anchor_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kid", sa.String(16), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("enterprise_id", "team_id", name=op.f("pk_audit_chains")),
    )
    op.create_table(
        "audit_keys",
        sa.Column("id", sa.String(22), nullable=False),
        *_workspace(),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_keys")),
        sa.UniqueConstraint(
            "enterprise_id", "team_id", "user_id", name=op.f("uq_audit_keys_enterprise_id_team_id_user_id")
        ),
    )
    op.create_table(
        "audit_entries",
        *_workspace(),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("key_id", sa.String(22), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("enterprise_id", "team_id", "sequence", name=op.f("pk_audit_entries")),
    )
    op.create_index(op.f("ix_audit_entries_key_id_sequence"), "audit_entries", ["key_id", "sequence"])
    op.create_table(
        "audit_counts",
        *_workspace(),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("enterprise_id", "team_id", "day", "act", "outcome", name=op.f("pk_audit_counts")),
    )
