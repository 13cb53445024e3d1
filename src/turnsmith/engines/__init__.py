"""Where tables live: the embedded DuckDB engine."""
