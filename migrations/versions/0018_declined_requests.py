"""Why a request was declined, and which ended requests the person who asked does not know of yet.

Code from before runs on this schema and leaves the columns empty.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("requests", sa.Column("reason", sa.LargeBinary))
    op.add_column("requests", sa.Column("unannounced_since", sa.Double))
