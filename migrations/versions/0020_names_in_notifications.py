"""Whether push notifications to a person name the secret.

Code from before runs on this schema: names are shown to whoever saves settings with it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("preferences", sa.Column("names", sa.Boolean, nullable=False, server_default=sa.true()))
