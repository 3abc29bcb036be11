"""Deploys the whole pipeline to the local AWS endpoint, and counts what its delivery streams do."""
