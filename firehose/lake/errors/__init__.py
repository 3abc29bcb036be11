"""What failed: error objects, error documents, and what was replayed of them."""
