"""A local AWS endpoint: a server of moto, what is deployed on it, and clients of it."""
