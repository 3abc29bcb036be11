"""The commands of `dmd`, a file each. Data goes to stdout, the story to stderr, the verdict is the exit code."""

STOPPED = 130  # the exit code that a shell gives a program that Ctrl-C ended
