"""Which language a person reads: the locale that Slack says, and the language that they chose.

A new table: code from before runs on this schema and does not use it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "languages",
        sa.Column("enterprise_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("locale", sa.String(35)),
        sa.Column("chosen", sa.String(8)),
        sa.PrimaryKeyConstraint("enterprise_id", "team_id", "user_id", name=op.f("pk_languages")),
    )
