"""Agreement of trainings on the CPU and on CUDA, with real faults of the device.

    python3 benchmarks/cuda_agreement.py [--device cpu] [--ratings 200000] [--json FILE]

Run it in the repository's root, on a machine with an NVIDIA GPU, with torch, numpy, scipy and
safetensors alone; data are made up. About three minutes. Exit status 0 if all of this holds:

- Matrix factorization and the two-tower network, trained for 12 epochs from the same beginning on
  the CPU and on CUDA, predict the same stars to 1e-4; both are timed.
- The same training on CUDA twice gives the same bits.
- Where the memory of the device is limited to less than a batch needs, the batch is computed in
  pieces, and the losses are those of a training with enough memory, to 1e-9.
- A training on CUDA that is killed (SIGKILL) and resumed ends with the bits of an unbroken one.

`--device cpu` tries the script itself where there is no GPU: then the second training is on the CPU
as well, and memory is not limited.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

if not __package__:  # run as a script
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from reeltune.components.biased_means import Biases
from reeltune.components.factorization_training import FactorModel, stars_problem, trained_factors
from reeltune.components.learned_component import History
from reeltune.components.torch_training import TrainingRatings, small_random
from reeltune.components.two_tower import tower_features
from reeltune.components.two_tower_training import trained_towers
from reeltune.domain.arrays import Floats, Ints
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable
from reeltune.training.checkpoint import copied
from reeltune.training.epoch import Epoch
from reeltune.training.loop import train
from reeltune.training.problem import TrainingProblem, TrainingSettings

TOLERANCE = 1e-4  # stars
EPOCHS = 12
N_FACTORS = 32
N_GENRES = 12
MEBIBYTE = 2**20

Factors = tuple[Floats, Floats, Floats, Floats]


@dataclass(frozen=True)
class Check:
    """Fact that was checked, with its figures."""

    name: str
    holds: bool
    figures: dict[str, Any]


def made_up(n_ratings: int, seed: int = 0) -> History:
    """Return ratings of about `n_ratings` / 100 users with tastes, of movies by their tastes."""
    rng = np.random.default_rng(seed)
    n_users, n_movies = max(20, n_ratings // 100), max(60, n_ratings // 60)
    pairs = np.unique(rng.integers(0, n_users * n_movies, size=n_ratings))
    users, movies = pairs // n_movies, pairs % n_movies
    p, q = rng.normal(size=(n_users, 4)), rng.normal(size=(n_movies, 4))
    stars = 3.5 + 0.4 * (p[users] * q[movies]).sum(axis=1) + rng.normal(scale=0.7, size=len(pairs))
    stars = np.clip(np.round(2 * stars) / 2, 0.5, 5.0).astype(np.float32)
    ids = np.arange(1, n_movies + 1)
    times = rng.integers(0, 10**8, size=len(pairs))
    table = RatingTable.from_ids(ids, users, ids[movies], stars, times)
    return History(table, _catalogue(ids, rng))


def _catalogue(ids: Ints, rng: np.random.Generator) -> Catalogue:
    n = len(ids)
    return Catalogue(
        movie_ids=ids,
        genre_names=tuple(f"genre {k}" for k in range(N_GENRES)),
        genre_starts=np.arange(n + 1),
        genres=rng.integers(0, N_GENRES, size=n).astype(np.int32),
        person_ids=np.zeros(0, dtype=np.int64),
        cast_starts=np.zeros(n + 1, dtype=np.int64),
        cast=np.zeros(0, dtype=np.int32),
        billing=np.zeros(0, dtype=np.int32),
        collections=np.full(n, -1, dtype=np.int32),
        collection_ids=np.zeros(0, dtype=np.int64),
        release_years=rng.integers(1930, 2020, size=n).astype(np.int32),
    )


def factorized(history: History, device: torch.device) -> Factors:
    """Train matrix factorization."""
    biases = Biases.of(history.ratings, 5.0, 5.0)
    return trained_factors(
        TrainingRatings.of(history.ratings, device),
        biases.mean,
        first_factors(history, biases),
        device,
        rate=2e-3,
        penalty=0.02,
        checkpoint=None,
        max_epochs=EPOCHS,
    )


def towers(history: History, device: torch.device) -> Factors:
    """Train the two-tower network."""
    return trained_towers(
        TrainingRatings.of(history.ratings, device),
        Biases.of(history.ratings, 5.0, 5.0),
        tower_features(history),
        device,
        width=N_FACTORS,
        rate=2e-3,
        penalty=0.02,
        checkpoint=None,
        max_epochs=EPOCHS,
    )


MODELS: dict[str, Callable[[History, torch.device], Factors]] = {
    "matrix factorization": factorized,
    "two-tower network": towers,
}


def first_factors(history: History, biases: Biases) -> Factors:
    """Return the factors that training begins with."""
    table = history.ratings
    return (
        biases.users,
        biases.movies,
        small_random(table.n_users, N_FACTORS, 0),
        small_random(table.n_movies, N_FACTORS, 1),
    )


def stars_of(found: Factors, history: History) -> Floats:
    """Return the predicted stars of all ratings, less the mean: (N,)."""
    a, b, p, q = found
    users, movies = history.ratings.users, history.ratings.movies
    stars: Floats = a[users] + b[movies] + (p[users] * q[movies]).sum(axis=1)
    return stars


def check_agreement(history: History, device: torch.device) -> list[Check]:
    """Train each model on both devices, on the second one twice."""
    found = []
    for name, trained in MODELS.items():
        trained(made_up(2_000), device)  # so that no start-up is timed
        results, seconds = [], []
        for where in (torch.device("cpu"), device, device):
            began = time.perf_counter()
            results.append(trained(history, where))
            seconds.append(round(time.perf_counter() - began, 3))
        cpu, first = (stars_of(each, history) for each in results[:2])
        apart = float(np.abs(cpu - first).max())
        figures = {"largest_difference_stars": apart, "cpu_seconds": seconds[0]}
        figures |= {"device_seconds": min(seconds[1:]), "spread_of_stars": float(cpu.std())}
        found.append(Check(f"{name}: CPU and {device} agree to 1e-4", apart <= TOLERANCE, figures))
        same = all(np.array_equal(a, b) for a, b in zip(results[1], results[2], strict=True))
        found.append(Check(f"{name}: twice on {device} gives the same bits", same, {}))
    return found


def problem_of(history: History, device: torch.device) -> TrainingProblem:
    """Return the problem of matrix factorization."""
    biases = Biases.of(history.ratings, 5.0, 5.0)
    model = FactorModel(biases.mean, first_factors(history, biases), device)
    return stars_problem("matrix factorization", model, TrainingRatings.of(history.ratings, device))


def check_memory(history: History, device: torch.device) -> Check:
    """Train with 1 MiB for each example, on a device of which a quarter of that may be used."""
    is_cuda = device.type == "cuda"
    plain, of_example = problem_of(history, device), MEBIBYTE if is_cuda else 1
    settings = TrainingSettings(max_epochs=2, batch_size=4096, learning_rate=2e-3, l2=0.02)
    wanted = list(train(problem_of(history, device), settings))

    def large(some: torch.Tensor) -> Any:
        wasted = torch.zeros(len(some) * of_example, dtype=torch.uint8, device=device)
        losses, sizes = plain.losses(some)
        return losses + 0.0 * wasted[:1].double(), sizes

    problem = TrainingProblem(plain.name, plain.model, plain.n_examples, large, plain.validate)
    limit = 1024 * MEBIBYTE
    if is_cuda:
        torch.cuda.empty_cache()
        used = torch.cuda.memory_reserved(device)
        whole = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction((used + limit) / whole, device)
    try:
        found = list(train(problem, settings))
    finally:
        if is_cuda:
            torch.cuda.set_per_process_memory_fraction(1.0, device)
            torch.cuda.empty_cache()
    apart = max(abs(a.loss - b.loss) for a, b in zip(found, wanted, strict=True))
    chunk, n_batch = found[-1].chunk_size, min(4096, plain.n_examples)
    was_halved = "out of memory: fewer examples at a time" in found[0].actions
    figures = {"batch": n_batch, "at_a_time": chunk, "largest_difference_of_losses": apart}
    holds = apart <= 1e-9 and (not is_cuda or (was_halved and 256 <= chunk <= 1024))
    return Check("a batch beyond the memory is computed in pieces", holds, figures)


def resumable(history: History, device: torch.device, path: Path, killed_after: int) -> None:
    """Train with a checkpoint, and kill this process after an epoch."""
    for epoch in train(problem_of(history, device), resume_settings(), path):
        if epoch.number == killed_after:
            os.kill(os.getpid(), signal.SIGKILL)


def resume_settings() -> TrainingSettings:
    """Return the settings of the training that is killed."""
    return TrainingSettings(max_epochs=6, batch_size=1024, learning_rate=5e-3, l2=0.02)


def check_resume(n_ratings: int, device: torch.device) -> Check:
    """Kill a training in a process of its own, resume it here, compare with an unbroken one."""
    history = made_up(n_ratings)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "checkpoint"
        arguments = ["--device", device.type, "--ratings", str(n_ratings), "--killed", str(path)]
        killed = subprocess.run([sys.executable, __file__, *arguments], check=False)
        left = path.exists()
        resumed, unbroken = problem_of(history, device), problem_of(history, device)
        found = list(train(resumed, resume_settings(), path))
        wanted = list(train(unbroken, resume_settings()))
    a, b = copied(resumed.model), copied(unbroken.model)
    same = all(torch.equal(tensor, b[name]) for name, tensor in a.items())
    same = same and list(map(_lasting, found)) == list(map(_lasting, wanted))
    figures = {"killed_by": -killed.returncode, "checkpoint_left": left, "epochs": len(found)}
    holds = same and left and killed.returncode == -signal.SIGKILL
    return Check("a killed training goes on to the same bits", holds, figures)


def _lasting(epoch: Epoch) -> dict[str, Any]:
    """Return what of an epoch does not depend on the clock and on other processes."""
    return {n: v for n, v in epoch.as_dict().items() if n not in ("seconds", "memory_bytes")}


def checks(history: History, device: torch.device) -> Iterator[Check]:
    """Yield all checks, each as soon as it is done."""
    yield from check_agreement(history, device)
    yield check_memory(history, device)
    yield check_resume(len(history.ratings), device)


def main() -> int:
    """Check everything; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--ratings", type=int, default=200_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--killed", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.device == "cuda" and not torch.cuda.is_available():
        print("torch finds no CUDA device here")
        return 1
    device = torch.device("cpu")
    if asked.device == "cuda":
        device = torch.device("cuda", torch.cuda.current_device())
    history = made_up(asked.ratings)
    if asked.killed is not None:
        resumable(history, device, asked.killed, killed_after=3)
        return 1
    machine = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"torch {torch.__version__}, {machine}, {len(history.ratings):,} ratings", flush=True)
    found = []
    for each in checks(history, device):
        print(f"{'holds' if each.holds else 'FAILS'}  {each.name}  {each.figures}", flush=True)
        found.append(each)
    if asked.json is not None:
        asked.json.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")
    return 0 if all(each.holds for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
