"""Tests of versions on live users, with results that may be looked at any time."""
