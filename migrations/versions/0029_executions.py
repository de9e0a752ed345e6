"""Executions of the workflow step, each with the request that it made.

A new table: code from before runs on this schema and does not use it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "executions",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("enterprise_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("install_team", sa.String(32), nullable=False),
        sa.Column("execution", sa.String(100), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("inputs", sa.LargeBinary()),
        sa.Column("request_id", sa.String(22)),
        sa.Column("refusal", sa.String(32)),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("done_at", sa.Double()),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_executions_request_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_executions")),
        sa.UniqueConstraint("team_id", "execution", name=op.f("uq_executions_team_id_execution")),
    )
    op.create_index(op.f("ix_executions_request_id"), "executions", ["request_id"])
