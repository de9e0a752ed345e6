"""Which encryption key made a blind index, so that a key is not removed while an index of it is in use.

Code from before runs on this schema: it leaves these columns empty, and nobody knows which key made its indexes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("reveals", "tracked", "ignored", "link_cards", "link_warnings"):
        op.add_column(table, sa.Column("blind_index_kid", sa.String(16)))
    op.add_column("tracked", sa.Column("secret_blind_index_kid", sa.String(16)))
