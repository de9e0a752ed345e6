"""Alembic's entry: runs on the connection that `bot.storage.engine.migrate` gives it, or, from the command line
(`python -m alembic check`), on DATABASE_URL."""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection

from bot.errors import CannotStart
from bot.storage.engine.migrate import migrating
from bot.storage.tables import for_dialect


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=for_dialect(connection.dialect.name),
        compare_type=True,
        compare_server_default=True,
        render_as_batch=True,  # SQLite changes a column by rebuilding its table
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise CannotStart("Migrations look at the database while they run: `--sql` is not supported.")

if given := context.config.attributes.get("connection"):
    run(given)
else:
    with migrating(os.environ.get("DATABASE_URL", "sqlite:///ots-bot.db")) as opened:
        run(opened)
