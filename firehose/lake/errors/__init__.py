"""Reads failures: error objects, error documents, and the journal of replays."""
