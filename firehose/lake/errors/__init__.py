"""What failed: error objects, error documents, and what has been replayed."""
