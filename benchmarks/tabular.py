"""Models of tables: the tuner at a budget of CPU seconds, against libraries as they come.

    python -m benchmarks.tabular [--seconds 20] [--tables digits,cars] [--json FILE]

The tables are those that scikit-learn ships, and the two demo tables. Three tenths of the rows are
kept from everybody. Losses are log loss and mean squared error there. A score is 0 where the loss
is that of XGBoost as it comes, and 1 where it is that of the best of the other libraries. Clocks
are CPU clocks of one thread, so that other work on the machine changes little. Each table is tuned
in a process of its own, reading and starting included.
"""

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np

HELD_OUT = 0.3
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SHIPPED = {
    "iris": "load_iris",
    "wine": "load_wine",
    "breast_cancer": "load_breast_cancer",
    "diabetes": "load_diabetes",
    "digits": "load_digits",
}
DEMOS = {"cars": "price_eur", "audit": "fraud"}
SHUFFLED = "shuffled"  # digits with a target that means nothing


def written(directory: Path, name: str) -> tuple[Path, Path, str]:
    """Write a table in two parts; return both, and the target."""
    header, rows = _rows(name)
    order = np.random.default_rng(7).permutation(len(rows))
    n_test = int(HELD_OUT * len(rows))
    paths = directory / f"{name}-train.csv", directory / f"{name}-test.csv"
    for path, part in zip(paths, (order[n_test:], order[:n_test]), strict=True):
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(rows[k] for k in part.tolist())
    return *paths, header[-1]


def _rows(name: str) -> tuple[list[str], list[list[Any]]]:
    if name in DEMOS:
        from reeltune.tabular.demo_tables import demo_columns

        columns = demo_columns(name)
        return list(columns), [list(row) for row in zip(*columns.values(), strict=True)]
    import sklearn.datasets

    found = getattr(sklearn.datasets, SHIPPED["digits" if name == SHUFFLED else name])()
    is_classes = hasattr(found, "target_names")
    target = [f"class {t}" for t in found.target] if is_classes else found.target.tolist()
    if name == SHUFFLED:
        target = [target[k] for k in np.random.default_rng(1).permutation(len(target)).tolist()]
    names = [str(each) for each in found.feature_names]
    rows = [[*map(float, x), y] for x, y in zip(found.data, target, strict=True)]
    return [*names, "target"], rows


def tuned(train: Path, test: Path, target: str, seconds: float, directory: Path) -> dict[str, Any]:
    """Tune in a process of its own, by the CPU clock; return loss, seconds and size."""
    words = ["--child", str(train), target, str(seconds), str(directory / "model.zip")]
    began = os.times()
    subprocess.run([sys.executable, "-m", "benchmarks.tabular", *words], check=True, env=_single())
    ended = os.times()
    spent = ended.children_user + ended.children_system
    spent -= began.children_user + began.children_system
    predicted, cold, warm = _predicted(directory / "model.zip", test)
    report = json.loads((directory / "report.json").read_text())
    return {
        "loss": _loss(predicted, test, target),
        "cpu_seconds": spent,
        "trials": report["hpo_trials_run"],
        "package_mib": (directory / "model.zip").stat().st_size / 2**20,
        "cold_cpu_seconds": cold,
        "ms_for_1000_rows": 1_000 * warm,
        "members": [m["hyperparameters"]["family"] for m in report["blend"]["members"]],
    }


def _single() -> dict[str, str]:
    return {**os.environ, **dict.fromkeys(THREADS, "1")}


def child(train: str, target: str, seconds: str, package: str) -> None:
    """Tune by the clock of this process's CPU in place of the wall's."""
    from reeltune.commands.main import main
    from reeltune.table_models import family
    from reeltune.tuning import interrupts, measuring, pruning, tabular_budget

    clock = SimpleNamespace(perf_counter=time.process_time, monotonic=time.process_time)
    for module in (tabular_budget, family, measuring, pruning):
        vars(module)["time"] = clock
    vars(interrupts)["signal"] = SimpleNamespace(
        signal=signal.signal,
        SIGTERM=signal.SIGTERM,
        SIGALRM=signal.SIGPROF,
        ITIMER_REAL=signal.ITIMER_PROF,
        setitimer=signal.setitimer,
    )
    database = str(Path(package).with_suffix(".db"))
    words = ["--target", target, "--budget", seconds, "--out", package, "--db", database, "--quiet"]
    main(["tabular", "tune", train, "--seed", "1", *words, "--json"], standalone_mode=False)


def _predicted(package: Path, test: Path) -> tuple[Any, float, float]:
    """Return predictions, and CPU seconds: of a row in a cold process, of 1,000 in this one."""
    from reeltune.table_models.package import load_package
    from reeltune.table_models.predicting import predict_with_package

    one = test.with_name("one.csv")
    one.write_text("".join(test.read_text().splitlines(keepends=True)[:2]))
    words = ["tabular", "predict", str(package), str(one), "--out", str(one.with_suffix(".out"))]
    began = os.times()
    subprocess.run([sys.executable, "-m", "reeltune", *words], check=True, capture_output=True)
    cold = os.times().children_user + os.times().children_system
    cold -= began.children_user + began.children_system
    found = predict_with_package(package, test)
    model, _ = load_package(package)
    from reeltune.tabular.reading import ReadOptions, read_table

    table = read_table(test, ReadOptions().with_specs(model.columns))
    rows = np.resize(np.arange(table.n_rows), 1_000)
    part = table.take(rows)
    start = time.process_time()
    model.predict(part)
    return found, cold, time.process_time() - start


def _truth(test: Path, target: str) -> list[str]:
    with test.open(newline="") as file:
        return [row[target] for row in csv.DictReader(file)]


def _loss(found: Any, test: Path, target: str) -> float:
    truth = _truth(test, target)
    if not found.model.classes:
        return float(np.mean((found.values[:, 0] - np.array(truth, dtype=float)) ** 2))
    place = {name: k for k, name in enumerate(found.model.classes)}
    codes = np.array([place[name] for name in truth])
    return float(-np.log(np.clip(found.values[np.arange(len(codes)), codes], 1e-7, 1)).mean())


def peers(train: Path, test: Path, target: str) -> dict[str, float]:
    """Return the loss of libraries as they come, on numbers and codes of categories."""
    features, y, others, truth, n_classes = _matrices(train, test, target)
    found = {}
    for name, make in _peers(n_classes).items():
        model = make()
        model.fit(features, y)
        if n_classes:
            predicted = np.clip(model.predict_proba(others), 1e-7, 1)
            found[name] = float(-np.log(predicted[np.arange(len(truth)), truth]).mean())
        else:
            found[name] = float(((model.predict(others) - truth) ** 2).mean())
    return found


def _peers(n_classes: int) -> Mapping[str, Callable[[], Any]]:
    import lightgbm
    import xgboost
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def linear(model: Any) -> Any:
        return make_pipeline(SimpleImputer(), StandardScaler(), model)

    if n_classes:
        return {
            "xgboost": lambda: xgboost.XGBClassifier(n_jobs=1),
            "lightgbm": lambda: lightgbm.LGBMClassifier(n_jobs=1, verbosity=-1),
            "random forest": lambda: RandomForestClassifier(n_jobs=1, random_state=0),
            "linear": lambda: linear(LogisticRegression(max_iter=500)),
        }
    return {
        "xgboost": lambda: xgboost.XGBRegressor(n_jobs=1),
        "lightgbm": lambda: lightgbm.LGBMRegressor(n_jobs=1, verbosity=-1),
        "random forest": lambda: RandomForestRegressor(n_jobs=1, random_state=0),
        "linear": lambda: linear(Ridge()),
    }


def _matrices(train: Path, test: Path, target: str) -> tuple[Any, ...]:
    """Return features and targets of both parts; categories are codes, dates seconds."""
    from reeltune.tabular.analyzer import DatasetAnalyzer
    from reeltune.tabular.reading import ReadOptions, read_table

    table, wanted = DatasetAnalyzer(train, target).split()
    other = read_table(test, ReadOptions().with_specs(table.specs))
    columns, others = [], []
    for name, column in table.columns.items():
        codes = {level: k for k, level in enumerate(column.levels)}
        columns.append(np.asarray(column.values, dtype=float))
        match = other.columns[name]
        moved = np.array([*(codes.get(level, -1) for level in match.levels), -1])
        others.append(match.values if match.codes is None else moved[match.codes].astype(float))
    truth = np.array(_truth(test, target))
    place = {name: k for k, name in enumerate(wanted.classes)}
    known: Any = np.array([place[name] if place else float(name) for name in truth.tolist()])
    return np.column_stack(columns), wanted.values, np.column_stack(others), known, wanted.n_classes


def measured(name: str, seconds: float) -> dict[str, Any]:
    """Return what was measured on one table."""
    with TemporaryDirectory() as place:
        directory = Path(place)
        train, test, target = written(directory, name)
        own = tuned(train, test, target, seconds, directory)
        losses = peers(train, test, target)
        base, best = losses["xgboost"], min(losses.values())
        gap = max(base - best, 1e-3 * base)
        return {"table": name, "score": (base - own["loss"]) / gap, **own, "peers": losses}


def report(found: list[dict[str, Any]], seconds: float) -> None:
    """Print a line for each table, and the mean and median score."""
    print(f"budget {seconds:g} CPU s, one thread; load {os.getloadavg()[0]:.1f}")
    heading = f"{'table':14} {'score':>7} {'loss':>11} {'xgboost':>11} {'best peer':>11}"
    print(f"{heading} {'CPU s':>6} {'trials':>6} {'MiB':>5} {'1 row s':>7} {'1000 ms':>7}  members")
    for each in found:
        peer = min(each["peers"].values())
        losses = f"{each['loss']:11.5g} {each['peers']['xgboost']:11.5g} {peer:11.5g}"
        costs = f"{each['cpu_seconds']:6.1f} {each['trials']:6} {each['package_mib']:5.2f}"
        speed = f"{each['cold_cpu_seconds']:7.2f} {each['ms_for_1000_rows']:7.0f}"
        members = ", ".join(each["members"])
        print(f"{each['table']:14} {each['score']:7.2f} {losses} {costs} {speed}  {members}")
    scores = [each["score"] for each in found if each["table"] != SHUFFLED]
    if scores:
        print(f"score: mean {np.mean(np.clip(scores, -1, 2)):.2f}, median {np.median(scores):.2f}")


def main() -> None:
    """Run the benchmark."""
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--tables", default=",".join([*SHIPPED, *DEMOS]))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = [measured(name, given.seconds) for name in given.tables.split(",")]
    report(found, given.seconds)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
