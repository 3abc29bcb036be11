"""Deploys the whole pipeline to a local AWS endpoint, and runs it by our data plane."""
