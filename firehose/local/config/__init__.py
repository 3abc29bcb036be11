"""Reads delivery streams from the API's own JSON, and refuses what AWS refuses or what is not supported here."""
