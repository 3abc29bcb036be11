"""The error that a user can fix."""


class UserError(Exception):
    """A request that cannot be carried out: `no such lake: /data/lak`. `dmd` prints the sentence and exits with 2."""
