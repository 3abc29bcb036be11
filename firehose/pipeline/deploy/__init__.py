"""Deploys the environments of terraform/tm-*: plans, applies, and points functions back to an earlier version."""
