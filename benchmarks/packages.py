"""Time until an exported model is ready to score, at the size of ML-1M.

    python -m benchmarks.packages [--repeats 9] [--json FILE]

Made-up models of 6,040 users and 3,706 movies: vectors of length 64, and the inverse of all movies'
Gram matrix (110 MB) beside them. A package is loaded in a process that has imported what it needs,
as a directory and as a zip; with all hashes compared too. Medians of the wall time.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from reeltune.components.factorization import Factorization
from reeltune.domain.arrays import AnyArray
from reeltune.rating_models.star_models import FactorizationModel
from reeltune.versioning.packages import load_model_package, package_files, save_model_package

N_USERS, N_MOVIES, N_FACTORS = 6_040, 3_706, 64


def arrays_of(*, with_inverse: bool) -> dict[str, AnyArray]:
    """Return the arrays of a made-up version."""
    rng = np.random.default_rng(0)
    found = Factorization(
        mean=np.array([3.5]),
        user_biases=rng.normal(size=N_USERS).astype(np.float32),
        movie_biases=rng.normal(size=N_MOVIES).astype(np.float32),
        user_vectors=rng.normal(size=(N_USERS, N_FACTORS)).astype(np.float32),
        movie_vectors=rng.normal(size=(N_MOVIES, N_FACTORS)).astype(np.float32),
        penalty=np.array([0.03]),
    )
    arrays = {f"model.{name}": array for name, array in found.arrays().items()}
    arrays |= {"user_ids": np.arange(N_USERS), "movie_ids": np.arange(N_MOVIES)}
    if with_inverse:
        arrays["inverse"] = rng.normal(size=(N_MOVIES, N_MOVIES))
    return arrays


def milliseconds(path: Path, repeats: int, *, verify: bool) -> float:
    """Return the median time until a package is loaded."""
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        load_model_package(path, verify=verify)
        found.append(1_000 * (time.perf_counter() - began))
    return round(median(found), 2)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    values = FactorizationModel.space.defaults()
    manifest = {"model": "matrix-factorization", "hyperparameters": values}
    figures = {}
    with tempfile.TemporaryDirectory() as directory:
        for with_inverse in (False, True):
            arrays = arrays_of(with_inverse=with_inverse)
            size = sum(array.nbytes for array in arrays.values()) / 1e6
            files = package_files(manifest, arrays)
            for form in ("dir", "zip"):
                path = Path(directory) / f"{form}-{with_inverse}"
                save_model_package(path, files, as_zip=form == "zip")
                load_model_package(path)
                for verify in (False, True):
                    name = f"{form}, {size:.0f} MB{', hashes compared' if verify else ''}"
                    figures[name] = milliseconds(path, asked.repeats, verify=verify)
                    print(f"{name}: {figures[name]} ms", flush=True)
    if asked.json is not None:
        asked.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
