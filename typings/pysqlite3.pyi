# pysqlite3 is built from the source of Python's sqlite3, and so has its types.
from sqlite3 import *  # noqa: F403
