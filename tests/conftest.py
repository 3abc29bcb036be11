"""Settings of the test tools."""

from hypothesis import settings

# No deadline: a machine that is busy with something else does not make a specification false.
settings.register_profile("dmd", deadline=None)
settings.load_profile("dmd")
