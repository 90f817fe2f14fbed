"""Tests of what needs torch are left out where it is not installed: `make test` installs it."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["test_loop.py"]
