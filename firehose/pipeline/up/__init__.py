"""The whole pipeline on a local AWS endpoint: how it is deployed there, and run by our data plane."""
