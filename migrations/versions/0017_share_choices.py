"""What a person chose when they last shared: life, passphrase, notification and server.

A new table: code from before runs on this schema and does not use it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "share_choices",
        sa.Column("enterprise_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("ttl", sa.Integer),
        sa.Column("passphrase", sa.String(16), nullable=False),
        sa.Column("apart", sa.Boolean, nullable=False),
        sa.Column("news", sa.Boolean, nullable=False),
        sa.Column("site", sa.Text),
        sa.PrimaryKeyConstraint("enterprise_id", "team_id", "user_id", name=op.f("pk_share_choices")),
    )
