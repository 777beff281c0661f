"""The table of responses."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "responses",
        sa.Column("response_id", sa.String(80), primary_key=True),
        sa.Column("owner", sa.String(400), nullable=False, index=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("previous_id", sa.String(80), nullable=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("input_items", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("responses")
