"""Athena's SQL (engine 3, which is Trino) as SQL that DuckDB runs and that means the same, or a refusal."""
