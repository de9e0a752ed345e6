"""The rules that the admins of a workspace set, and who of those that shared something has left.

Code from before runs on this schema: it knows no rules.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "workspace_policies",
        sa.Column("enterprise_id", sa.String(32), primary_key=True),
        sa.Column("team_id", sa.String(32), primary_key=True),
        sa.Column("rules", sa.Text, nullable=False),
    )
    op.add_column("shares", sa.Column("sender_left_at", sa.Double))
