"""Who a delivery is for, and who gets its passphrase, are bound into a sealed value.

Code from before runs on this schema and leaves the column empty.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("recipient", sa.LargeBinary))
