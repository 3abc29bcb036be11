"""The error that a user can fix."""


class UserError(Exception):
    """A mistake of the user's, as a sentence: `no such lake: /data/lak`. `dmd` prints it and exits with 2."""
