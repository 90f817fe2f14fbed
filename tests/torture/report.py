"""Tells what `make torture` has measured: python -m tests.torture.report FILE."""

import json
import sys
from collections import Counter
from pathlib import Path


def main() -> None:
    """Print, by fault, how often it was tried, how often it struck, and what came out wrong."""
    lines = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    lines = [line for line in lines if line["code"] == lines[-1]["code"]]
    tried: Counter[str] = Counter()
    struck: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for line in lines:
        if "fault" in line:
            tried[line["fault"]] += line["tried"]
            struck[line["fault"]] += line.get("struck", line["tried"])
            wrong[line["fault"]] += line["wrong"]
    print(f"{'fault':44}{'tried':>12}{'struck':>12}{'wrong':>8}")
    for fault in tried:
        print(f"{fault:44}{tried[fault]:>12,}{struck[fault]:>12,}{wrong[fault]:>8,}")
    passed = [line for line in lines if "test" in line]
    print(f"\n{len(passed)} tests passed; the longest:")
    for line in sorted(passed, key=lambda line: -line["seconds"])[:12]:
        print(f"{line['seconds']:>8.1f} s  {line['test'].split('/')[-1]}")


if __name__ == "__main__":
    main()
