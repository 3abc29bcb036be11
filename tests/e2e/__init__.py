"""The end-to-end test of an environment: python -m tests.e2e dev1, or `make e2e ENV=dev1`."""
