"""Versions of the database of responses, each made from the one before by Alembic."""
