"""The tables as they came about, one step after the other; Alembic runs what is missing."""
