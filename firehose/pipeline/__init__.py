"""The pipeline as it is deployed and run: delivery streams, functions, tables, names, the function's zip, samples."""
