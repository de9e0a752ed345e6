"""Whether a watch has the secrets that it had: with it, a list that says what it said before needs no second look.

A column with a default: code from before runs on this schema and leaves it as it is.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("watches", sa.Column("version", sa.Integer, nullable=False, server_default="0"))
