"""Export of models to ONNX, where stars are a mean, biases and products of vectors.

Input `users` (n,): positions in the file's `user_ids`. Output `stars` (n, M), in the order of
`movie_ids`. Everything is in double precision.
"""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from reeltune.components.biased_means import BiasedMeans
from reeltune.components.dot_product import DotProduct
from reeltune.domain.arrays import AnyArray, Ints
from reeltune.domain.errors import InputError
from reeltune.rating_models.star_models import StarModel
from reeltune.ratings.recommender import Recommender

OPSET = 17
EXPORTABLE = "biased-means, matrix-factorization, two-tower"


def onnx_bytes(
    name: str,
    model: Recommender,
    user_ids: Ints,
    movie_ids: Ints,
    manifest: Mapping[str, Any],
) -> bytes:
    """Return the file of a model.

    Raises:
        InputError: it is no such model, or onnx is not installed.
    """
    predictor = model.predictor if isinstance(model, StarModel) else None
    if not isinstance(predictor, DotProduct | BiasedMeans):
        raise InputError(
            f"model {name!r} has no ONNX form, only {EXPORTABLE} have: export it with --format dir"
        )
    if find_spec("onnx") is None:
        raise InputError("--format onnx needs the package onnx: pip install onnx")
    return _graph(predictor, user_ids, movie_ids, manifest)


def _graph(
    predictor: DotProduct | BiasedMeans,
    user_ids: Ints,
    movie_ids: Ints,
    manifest: Mapping[str, Any],
) -> bytes:
    from onnx import TensorProto, checker, helper, numpy_helper

    constants, steps = _constants(predictor), []
    steps.append(helper.make_node("Gather", ["user_biases", "users"], ["own"], axis=0))
    steps.append(helper.make_node("Add", ["own", "movie_biases"], ["biases"]))
    if isinstance(predictor, DotProduct):
        steps.append(helper.make_node("Gather", ["user_vectors", "users"], ["vectors"], axis=0))
        steps.append(helper.make_node("MatMul", ["vectors", "movie_vectors"], ["products"]))
        steps.append(helper.make_node("Add", ["biases", "products"], ["stars"]))
    else:
        steps.append(helper.make_node("Identity", ["biases"], ["stars"]))
    constants |= {"user_ids": user_ids, "movie_ids": movie_ids}
    steps.append(helper.make_node("Identity", ["user_ids"], ["ids_of_users"]))
    steps.append(helper.make_node("Identity", ["movie_ids"], ["ids_of_movies"]))
    n_movies = len(movie_ids)
    graph = helper.make_graph(
        steps,
        "stars",
        [helper.make_tensor_value_info("users", TensorProto.INT64, ["n"])],
        [
            helper.make_tensor_value_info("stars", TensorProto.DOUBLE, ["n", n_movies]),
            helper.make_tensor_value_info("ids_of_users", TensorProto.INT64, [len(user_ids)]),
            helper.make_tensor_value_info("ids_of_movies", TensorProto.INT64, [n_movies]),
        ],
        [numpy_helper.from_array(np.ascontiguousarray(a), n) for n, a in constants.items()],
    )
    found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    helper.set_model_props(found, {"manifest": json.dumps(manifest, sort_keys=True)})
    checker.check_model(found)
    return bytes(found.SerializeToString())


def _constants(predictor: DotProduct | BiasedMeans) -> dict[str, AnyArray]:
    if isinstance(predictor, BiasedMeans):
        return {
            "user_biases": predictor.users[:, None],
            "movie_biases": predictor.mean + predictor.movies,
        }
    return {
        "user_biases": predictor.user_biases[:, None].astype(np.float64),
        "movie_biases": predictor.mean + predictor.movie_biases,
        "user_vectors": predictor.user_vectors.astype(np.float64),
        "movie_vectors": predictor.movie_vectors.T.astype(np.float64),
    }
