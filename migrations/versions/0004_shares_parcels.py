"""What people share: a share for each submit, a parcel for each addressee; and which parcel a reveal opens.

Only new tables and a column that may be empty: code from before runs on this schema and knows nothing of them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OWNER = ("enterprise_id", "team_id", "user_id")
STATES = (
    "'waiting', 'asking', 'made', 'sent', 'opening', 'handed', 'opened', 'failed', 'doubtful', 'refused', "
    "'burned', 'expired', 'gone'"
)


def _owner() -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.String(32), nullable=False) for name in OWNER)


def upgrade() -> None:
    _shares()
    _parcels()
    op.add_column("reveals", sa.Column("parcel_id", sa.String(22)))


def _shares() -> None:
    op.create_table(
        "shares",
        sa.Column("id", sa.String(22), nullable=False),
        *_owner(),
        sa.Column("once", sa.String(80), nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("account_id", sa.String(22)),
        sa.Column("quiet", sa.Boolean, nullable=False),
        sa.Column("note", sa.LargeBinary),
        sa.Column("label", sa.LargeBinary),
        sa.Column("passphrase_to", sa.String(16), nullable=False),
        sa.Column("card_channel", sa.String(32)),
        sa.Column("card_ts", sa.String(32)),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
        sa.UniqueConstraint("once", name=op.f("uq_shares_once")),
    )
    op.create_index(op.f("ix_shares_created_at"), "shares", ["created_at"])


def _parcels() -> None:
    op.create_table(
        "parcels",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("share_id", sa.String(22), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        *_owner(),
        sa.Column("to_enterprise_id", sa.String(32)),
        sa.Column("to_team_id", sa.String(32)),
        sa.Column("to_user_id", sa.String(32)),
        sa.Column("to_channel", sa.String(32)),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("why", sa.String(80)),
        sa.Column("secret_key", sa.LargeBinary),
        sa.Column("metadata_key", sa.LargeBinary),
        sa.Column("passphrase", sa.LargeBinary),
        sa.Column("passphrase_required", sa.Boolean),
        sa.Column("expires_at", sa.Double),
        sa.Column("message_channel", sa.String(32)),
        sa.Column("message_ts", sa.String(32)),
        sa.Column("opener_enterprise_id", sa.String(32)),
        sa.Column("opener_team_id", sa.String(32)),
        sa.Column("opener_user_id", sa.String(32)),
        sa.Column("opened_at", sa.Double),
        sa.Column("handed_at", sa.Double),
        sa.Column("untold_since", sa.Double),
        sa.Column("reminded_at", sa.Double),
        sa.Column("tracked_id", sa.String(22)),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("over_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcels")),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_parcels_state")),
        sa.ForeignKeyConstraint(["share_id"], ["shares.id"], name=op.f("fk_parcels_share_id"), ondelete="CASCADE"),
    )
    for columns in (["share_id"], ["tracked_id"], ["user_id", "created_at"]):
        op.create_index(op.f(f"ix_parcels_{'_'.join(columns)}"), "parcels", columns)
