"""Registry of recommenders: those of the package by name, and users' own by import path."""

from importlib import import_module
from typing import cast

from reeltune.domain.errors import InputError
from reeltune.domain.study import BUILT_IN, HYBRID, STAR_MODELS
from reeltune.ratings.recommender import Recommender
from reeltune.tracking.own_code import imported, resolved_name

__all__ = ["BUILT_IN", "model_class", "resolved_name"]

# Imported when first used: what one of them is made of decides nothing of the others.
MODELS = {
    BUILT_IN: ("reeltune.rating_models.hand_weighted", "HandWeighted"),
    HYBRID: ("reeltune.rating_models.hybrid", "Hybrid"),
    **{name: ("reeltune.rating_models.star_models", kind) for name, kind in STAR_MODELS.items()},
}

_REQUIRED = ("space", "fit", "score", "arrays", "load")


def model_class(name: str) -> type[Recommender]:
    """Return the recommender of that name.

    Args:
        name: a key of `MODELS`, `package.module:Name`, or `path/to/file.py:Name`.

    Raises:
        InputError: it cannot be imported or is no recommender.
    """
    if name in MODELS:
        module, attribute = MODELS[name]
        return cast("type[Recommender]", getattr(import_module(module), attribute))
    module_name, _, class_name = name.rpartition(":")
    if not module_name or not class_name:
        raise InputError(
            f"a model is {', '.join(map(repr, MODELS))}, 'package.module:Name' or"
            f" 'path/to/file.py:Name', got {name!r}"
        )
    try:
        found = getattr(imported(module_name), class_name)
    except (ImportError, AttributeError, ValueError, OSError, SyntaxError) as error:
        advice = _advice(error, module_name, class_name)
        raise InputError(f"model {name!r} cannot be imported: {error}{advice}") from error
    if not isinstance(found, type):
        raise InputError(f"model {name!r} is no recommender: it is no class")
    missing = [member for member in _REQUIRED if not hasattr(found, member)]
    if missing:
        raise InputError(f"model {name!r} is no recommender: it lacks {', '.join(missing)}")
    return found


def _advice(error: Exception, module_name: str, class_name: str) -> str:
    """Return what to do where the module itself, and not one that it needs, is not found."""
    package = module_name.partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or error.name != package:
        return ""
    file = f"path/to/{module_name.replace('.', '/')}.py:{class_name}"
    return f"; run this in its folder, name that folder in PYTHONPATH, or give the file, {file}"
