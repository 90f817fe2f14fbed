"""Training loop: each rule where its fault really happens, kill and resume, and memory."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from reeltune.domain.direction import Direction
from reeltune.domain.errors import InputError, StorageError
from reeltune.training.checkpoint import copied
from reeltune.training.epoch import Epoch
from reeltune.training.gradients import compute_gradients
from reeltune.training.listeners import listening
from reeltune.training.loop import TrainingEnd, train, train_to_end
from reeltune.training.monitor import (
    DIVERGED,
    EXPLODING,
    OUT_OF_MEMORY,
    OVER_FITTING,
    PLATEAU,
    VANISHING,
    MonitorSettings,
)
from reeltune.training.problem import TrainingProblem, TrainingSettings
from tests.running import ROOT
from tests.training.problems import changed, line, losses_of, memorised

SETTINGS = TrainingSettings(max_epochs=30, batch_size=16, learning_rate=0.05)


def actions(epochs: list[Epoch]) -> list[str]:
    return [action for epoch in epochs for action in epoch.actions]


def state_of(problem: TrainingProblem) -> dict[str, torch.Tensor]:
    return copied(problem.model)


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    for name, tensor in a.items():
        assert torch.equal(tensor, b[name]), name


def figures(epochs: list[Epoch]) -> list[Epoch]:
    """Epochs without what the clock and the machine say."""
    return [replace(epoch, seconds=0.0, memory_bytes=0) for epoch in epochs]


def test_it_learns_and_streams_the_figures_of_each_epoch() -> None:
    problem = line()
    epochs = list(train(problem, replace(SETTINGS, max_epochs=20)))
    assert [epoch.number for epoch in epochs] == list(range(1, 21))
    assert epochs[-1].validation < 0.1 < epochs[0].validation
    for epoch in epochs:
        assert epoch.seconds > 0
        assert epoch.memory_bytes > 0
        assert epoch.gradient_norm <= epoch.max_gradient_norm
        assert epoch.chunk_size == SETTINGS.batch_size


def test_an_epoch_is_there_before_the_next_one_begins() -> None:
    problem = line()
    epochs = train(problem, SETTINGS)
    before = state_of(problem)
    next(epochs)
    after = state_of(problem)
    next(epochs)
    assert not torch.equal(before["weight"], after["weight"])
    assert not torch.equal(after["weight"], state_of(problem)["weight"])


def test_the_model_is_that_of_the_best_epoch_in_the_end() -> None:
    problem = memorised()
    end = train_to_end(
        problem, replace(SETTINGS, max_epochs=200, rules=MonitorSettings(stop_patience=8))
    )
    assert end.reason == "no gain"
    with torch.no_grad():
        assert problem.validate() == end.best


def test_whoever_stops_listening_has_the_model_of_the_best_epoch_too() -> None:
    problem = memorised()
    best = math.inf
    epochs = train(problem, replace(SETTINGS, max_epochs=200))
    for epoch in epochs:
        best = min(best, epoch.validation)
        if epoch.validation > best:
            break
    epochs.close()
    with torch.no_grad():
        assert problem.validate() == best


def test_a_plateau_halves_the_rate() -> None:
    problem = line()
    constant = TrainingProblem("flat", problem.model, 64, problem.losses, lambda: 1.0)
    epochs = list(train(constant, replace(SETTINGS, learning_rate=1e-12)))
    assert epochs[3].actions == (PLATEAU,)
    assert epochs[4].learning_rate == epochs[3].learning_rate / 2
    assert set(actions(epochs)) == {PLATEAU}


def test_over_fitting_doubles_the_penalty() -> None:
    epochs = list(train(memorised(), replace(SETTINGS, max_epochs=60, l2=1e-4)))
    assert OVER_FITTING in actions(epochs)
    first = next(n for n, epoch in enumerate(epochs) if OVER_FITTING in epoch.actions)
    assert epochs[first + 1].l2 == 2 * epochs[first].l2
    assert epochs[first].loss < epochs[0].loss


def test_the_penalty_shrinks_the_parameters() -> None:
    norms = []
    for l2 in (0.0, 1.0):
        problem = line()
        train_to_end(problem, replace(SETTINGS, l2=l2))
        norms.append(float(state_of(problem)["weight"].norm()))
    assert norms[1] < 0.7 * norms[0]


def test_vanishing_gradients_raise_the_rate() -> None:
    problem = line()
    small = changed(problem, lambda some: 1e-9 * losses_of(problem, some))
    epochs = list(train(small, replace(SETTINGS, max_epochs=4)))
    assert epochs[0].actions == (VANISHING,)
    assert epochs[1].learning_rate == 2 * epochs[0].learning_rate


def test_exploding_gradients_are_clipped() -> None:
    problem, calls = line(noise=1.0), [0]

    def exploding(some: torch.Tensor) -> torch.Tensor:
        calls[0] += 1
        return (1e6 if calls[0] == 10 else 1.0) * losses_of(problem, some)

    with_fault = list(train(changed(problem, exploding), SETTINGS))
    assert EXPLODING in with_fault[2].actions
    assert with_fault[2].max_gradient_norm > 1e5
    assert with_fault[-1].validation < 0.1


def test_figures_that_are_not_finite_restore_the_last_good_state(tmp_path: Path) -> None:
    problem, calls = line(), [0]

    def failing(some: torch.Tensor) -> torch.Tensor:
        calls[0] += 1
        return losses_of(problem, some) * (math.nan if calls[0] == 11 else 1.0)

    path, epochs, states, kept = tmp_path / "checkpoint", [], [], []
    for epoch in train(changed(problem, failing), replace(SETTINGS, max_epochs=5), path):
        epochs.append(epoch)
        states.append(state_of(problem))
        kept.append({n: t for n, t in load_file(path).items() if n.startswith("optimizer.")})
    assert [DIVERGED in epoch.actions for epoch in epochs] == [False, False, True, False, False]
    assert math.isnan(epochs[2].loss)
    assert_same(states[1], states[2])
    assert_same(kept[1], kept[2])
    assert len(kept[1]) == 6  # step and two moments of weight and bias
    assert not torch.equal(kept[2]["optimizer.0.exp_avg"], kept[3]["optimizer.0.exp_avg"])
    assert epochs[3].learning_rate == epochs[1].learning_rate / 2
    assert epochs[4].validation < epochs[1].validation


def test_a_rate_that_makes_it_diverge_ends_in_finite_numbers() -> None:
    problem = line()
    steep = changed(problem, lambda some: torch.exp(200 * losses_of(problem, some)))
    end = train_to_end(steep, replace(SETTINGS, learning_rate=1e3))
    assert end == TrainingEnd("diverged", 0, end.best)
    assert all(torch.isfinite(tensor).all() for tensor in state_of(problem).values())


def test_it_stops_early() -> None:
    rules = MonitorSettings(stop_patience=4)
    epochs = list(train(memorised(), replace(SETTINGS, max_epochs=500, rules=rules)))
    best = max(epoch.number for epoch in epochs if epoch.is_best)
    assert epochs[-1].number == best + 4 < 500


def test_more_is_better_where_the_metric_says_so() -> None:
    problem = line()
    upwards = TrainingProblem(
        "line", problem.model, 64, problem.losses, lambda: -problem.validate(), Direction.MAXIMIZE
    )
    found = list(train(upwards, SETTINGS))
    wanted = list(train(line(), SETTINGS))
    assert [epoch.is_best for epoch in found] == [epoch.is_best for epoch in wanted]
    assert any(epoch.is_best for epoch in found[1:])


@pytest.mark.parametrize("chunk_size", [1, 5, 16, 100])
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_the_gradients_of_pieces_add_up_to_those_of_the_batch(chunk_size: int, l2: float) -> None:
    whole, parts = line(noise=1.0), line(noise=1.0)
    positions = torch.arange(16)
    a = compute_gradients(whole, positions, l2, 16)
    b = compute_gradients(parts, positions, l2, chunk_size)
    assert a.total_loss == pytest.approx(b.total_loss, rel=1e-12)
    pairs = zip(whole.model.parameters(), parts.model.parameters(), strict=True)
    for p, q in pairs:
        assert p.grad is not None
        assert q.grad is not None
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-12)


MEMORY = """
import resource, torch
from tests.training.problems import changed, line, losses_of
from reeltune.training.loop import train
from reeltune.training.problem import TrainingSettings
torch.set_num_threads(1)
problem = line()

def large(some):
    wasted = torch.empty(len(some) * 32 * 2**20, dtype=torch.uint8)  # 32 MiB an example
    return losses_of(problem, some) + 0 * float(wasted[0] * 0)

settings = TrainingSettings(max_epochs=2, batch_size=64, learning_rate=0.05)
list(train(line(), settings))  # so that all that torch needs is loaded
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 3 * 2**28, -1))  # 768 MiB more: 16 examples, not 32
for epoch in train(changed(problem, large), settings):
    print(epoch.chunk_size, *epoch.actions, f"{epoch.loss:.9f}", sep="|")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space of a process")
def test_where_memory_ends_half_the_batch_is_computed_at_a_time() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], cwd=ROOT, capture_output=True, text=True, check=True
    )
    plain = list(train(line(), TrainingSettings(max_epochs=2, batch_size=64, learning_rate=0.05)))
    assert done.stdout.splitlines() == [
        f"16|{OUT_OF_MEMORY}|{plain[0].loss:.9f}",
        f"16|{plain[1].loss:.9f}",
    ]


def test_an_example_without_enough_memory_is_one_clear_error() -> None:
    problem = line()

    def failing(some: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("no memory")

    with pytest.raises(InputError, match="line: one example needs more memory than there is"):
        train_to_end(changed(problem, failing), SETTINGS)


def test_an_error_that_is_not_of_memory_is_not_taken_for_one() -> None:
    def failing(some: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        train_to_end(changed(line(), failing), SETTINGS)


@pytest.mark.parametrize("stopped_after", [1, 7])
def test_a_resumed_training_equals_an_unbroken_one_to_the_bit(
    stopped_after: int, tmp_path: Path
) -> None:
    settings = replace(SETTINGS, max_epochs=40, l2=1e-3)
    unbroken = memorised()
    wanted = list(train(unbroken, settings))
    path, broken = tmp_path / "checkpoint", memorised()
    epochs = train(broken, settings, path)
    for _ in range(stopped_after):
        next(epochs)
    resumed = memorised()
    found = list(train(resumed, settings, path))
    assert figures(found) == figures(wanted)
    assert_same(state_of(resumed), state_of(unbroken))
    assert {PLATEAU, OVER_FITTING} & set(actions(found))


KILLED = """
import os, sys
from dataclasses import replace
from pathlib import Path
from reeltune.training.loop import train
from tests.training.problems import memorised
from tests.training.test_loop import SETTINGS
for epoch in train(memorised(), replace(SETTINGS, l2=1e-3), Path(sys.argv[1])):
    if epoch.number == 5:
        os.kill(os.getpid(), 9)
"""


def test_a_killed_training_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    done = subprocess.run([sys.executable, "-c", KILLED, path], cwd=ROOT, check=False)
    assert done.returncode == -9
    settings = replace(SETTINGS, l2=1e-3)
    resumed, unbroken = memorised(), memorised()
    found, wanted = list(train(resumed, settings, path)), list(train(unbroken, settings))
    assert figures(found) == figures(wanted)
    assert_same(state_of(resumed), state_of(unbroken))


def test_a_training_that_is_over_is_not_gone_on_with(tmp_path: Path) -> None:
    first, again = line(), line()
    end = train_to_end(first, SETTINGS, tmp_path / "checkpoint")
    assert train_to_end(again, SETTINGS, tmp_path / "checkpoint") == end
    assert_same(state_of(first), state_of(again))


def test_more_epochs_go_on_where_fewer_ended(tmp_path: Path) -> None:
    more, at_once = line(), line()
    train_to_end(line(), replace(SETTINGS, max_epochs=10), tmp_path / "checkpoint")
    train_to_end(more, SETTINGS, tmp_path / "checkpoint")
    train_to_end(at_once, SETTINGS)
    assert_same(state_of(more), state_of(at_once))


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    train_to_end(line(), SETTINGS, tmp_path / "checkpoint")
    with pytest.raises(InputError, match="is of another training"):
        train_to_end(line(), replace(SETTINGS, l2=1.0), tmp_path / "checkpoint")


@pytest.mark.parametrize("damage", ["cut", "other"])
def test_a_damaged_checkpoint_is_refused_in_one_line(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    train_to_end(line(), SETTINGS, path)
    path.write_bytes(path.read_bytes()[:-9] if damage == "cut" else b"no checkpoint" * 9)
    with pytest.raises(StorageError, match="remove it to begin anew") as error:
        train_to_end(line(), SETTINGS, path)
    assert "\n" not in str(error.value)


def test_a_disk_that_takes_no_checkpoint_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        train_to_end(line(), SETTINGS, tmp_path / "missing" / "checkpoint")


def test_training_changes_nothing_of_the_random_numbers_outside() -> None:
    problem = line()
    before = torch.get_rng_state()
    train_to_end(problem, SETTINGS)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.are_deterministic_algorithms_enabled()


def test_listeners_hear_every_epoch_and_may_stop_it() -> None:
    heard: list[tuple[str, int]] = []

    def listener(name: str, epoch: Epoch) -> bool:
        heard.append((name, epoch.number))
        return epoch.number == 3

    with listening(listener):
        end = train_to_end(line(), SETTINGS)
    assert heard == [("line", 1), ("line", 2), ("line", 3)]
    assert (end.reason, end.best_epoch) == ("stopped", 3)
    train_to_end(line(), SETTINGS)
    assert len(heard) == 3


def test_all_that_is_wrong_with_settings_is_named() -> None:
    with pytest.raises(InputError, match=r"max_epochs must be 1 or more, got 0; l2 .*; learning"):
        TrainingSettings(max_epochs=0, l2=-1.0, learning_rate=math.nan)
    with pytest.raises(InputError, match="at least one example"):
        line(n=0)


def test_sizes_of_examples_are_penalised_in_place_of_all_parameters() -> None:
    problem = line(noise=1.0)
    weight, positions = next(problem.model.parameters()), torch.arange(16)

    def sized(some: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return 0 * losses_of(problem, some), weight[0, 0] ** 2 * torch.ones(len(some))

    with torch.no_grad():
        weight.fill_(2.0)
    sizes = TrainingProblem("line", problem.model, 64, sized, problem.validate)
    compute_gradients(sizes, positions, 0.5, 5)
    assert weight.grad is not None
    np.testing.assert_allclose(weight.grad.numpy(), [[2.0, 0.0, 0.0]])


def orders(seed: int) -> list[list[int]]:
    """The order of the examples in each of two epochs."""
    problem, seen = line(), list[int]()

    def noted(some: torch.Tensor) -> torch.Tensor:
        seen.extend(some.tolist())
        return losses_of(problem, some)

    list(train(changed(problem, noted), replace(SETTINGS, max_epochs=2, seed=seed)))
    return [seen[:64], seen[64:]]


def test_every_epoch_has_all_examples_in_an_order_of_its_own_that_the_seed_decides() -> None:
    first, second = orders(1)
    assert sorted(first) == sorted(second) == list(range(64))
    assert first != second
    assert orders(1) == [first, second]
    assert orders(2)[0] != first
