"""Say where an error of our own code came from, without its message, which may quote a record."""


def error_place(error: BaseException) -> str:
    """Return the file and line that raised it: "/var/task/transform/scrub.py:42"."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "unknown"
