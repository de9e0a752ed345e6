"""The thread that a share goes into, with its reminders.

Code from before runs on this schema: what it shares goes into no thread.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shares", sa.Column("thread_ts", sa.String(32)))
