"""The whole pipeline on a laptop: a local AWS endpoint, what is deployed there, and the data plane that runs it."""
