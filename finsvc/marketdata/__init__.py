"""Market data: pinned sources, content-addressed snapshots and as-of queries."""
