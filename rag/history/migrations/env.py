"""Alembic's entry: run the steps that are missing, on the connection that is given."""

from __future__ import annotations

from alembic import context

from rag.history.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
