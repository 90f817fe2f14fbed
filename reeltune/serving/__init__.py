"""Serving: recommendations of a stored version, from memory."""

from reeltune.serving.recommendations import Recommendations

__all__ = ["Recommendations"]
