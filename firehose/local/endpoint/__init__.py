"""A local AWS endpoint: clients of it, moto's server, the resources deployed on it, and changes of its tables."""
