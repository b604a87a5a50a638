"""What alembic runs around the steps: they are taken on the connection, and in the transaction, of the caller."""

from __future__ import annotations

from alembic import context

from connector.store.tables import metadata

# batch: SQLite cannot alter most of a table, so it is copied into its new form.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
