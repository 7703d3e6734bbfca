"""How cost grows: 100, 1,000 and 10,000 files in one repository, and many clones in one command.

    python3 scale.py [--clones 300] [--times 3]
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import measure

# A child starts with this script's memory, so the trees are made elsewhere.
GENERATE = [sys.executable, str(Path(__file__).with_name("generate.py"))]


def made(name, *arguments):
    root = measure.WORK / name
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run([*GENERATE, arguments[0], str(root), *arguments[1:]], check=True)
    return root


def row(name, count, command, times):
    (cost,) = measure.best([command], measure.WELL, times)
    each = 1000 * cost.cpu / count
    print(f"{name:24}{cost.cpu:>8.3f} s{cost.wall:>8.3f} s{cost.rss_mb:>8.0f} MB{each:>10.3f} ms", flush=True)
    return cost, each


def main():
    parser = argparse.ArgumentParser(description="How the cost of `expose` grows.")
    parser.add_argument("--clones", type=int, default=300)
    parser.add_argument("--times", type=int, default=3)
    args = parser.parse_args()
    print(f"best of {args.times}; {measure.machine()}")
    print(f"{'':24}{'CPU':>10}{'wall':>10}{'peak RSS':>11}{'CPU each':>13}")
    rows = []
    for count in (100, 1_000, 10_000):
        root = made(f"files-{count}", "tree", "--files", str(count))
        command = measure.expose("codecov-2021", root)
        rows.append(row(f"{count:,} files", count, command, args.times))
    root = made("clones", "clones", "--clones", str(args.clones))
    dated = [str(measure.KEYSWEEP), "expose", "codecov-2021", str(root)]
    row(f"{args.clones} clones, history", args.clones, dated, args.times)
    row(f"{args.clones} clones, as they are", args.clones, measure.expose("codecov-2021", root), args.times)
    (_, hundred), (_, _), (most, each) = rows
    if most.rss_mb >= 200:
        sys.exit("10,000 files took more than 200 MB")
    if each > 1.5 * hundred:
        sys.exit("a file among 10,000 costs more than half as much again as one among 100")


if __name__ == "__main__":
    main()
