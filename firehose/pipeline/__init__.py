"""What this pipeline deploys and runs: its delivery streams, their functions, tables and names."""
