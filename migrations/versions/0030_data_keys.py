"""A data key for each workspace. On PostgreSQL none is made before `keys rotate` has run once.

Code from before runs on this schema, and cannot open what a data key sealed. On PostgreSQL it may be running right now,
so the encryption keys that are there go on sealing values themselves.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "data_keys",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("enterprise_id", sa.String(32), nullable=False),
        sa.Column("team_id", sa.String(32), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_keys")),
        sa.UniqueConstraint("enterprise_id", "team_id", name=op.f("uq_data_keys_enterprise_id_team_id")),
    )
    op.add_column("key_checks", sa.Column("seals_values", sa.Boolean()))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("UPDATE key_checks SET seals_values = true")
