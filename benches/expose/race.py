"""CPU time of the whole process on the same workflow files: keysweep against `zizmor --offline`.

    python3 race.py --zizmor PATH [--dir DIR] [--files 1000] [--seed 1] [--times 5]

What zizmor refuses is taken out for both, and counted.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import generate
import measure

# What both read. Anything else of DIR is not copied.
WORKFLOW = re.compile(r"(?:^|.*/)\.github/workflows/[^/]+\.ya?ml$")
ACTION = re.compile(r"(?:^|.*/)action\.ya?ml$")


def take(source, tree):
    """Copies the CI files of `source`, one root for each folder that holds a `.github/workflows`."""
    files = [p for p in source.rglob("*.y*ml") if p.is_file() and ".git" not in p.parts]
    names = {p: p.relative_to(source).as_posix() for p in files}
    tops = sorted({n.rsplit(".github/workflows/", 1)[0] for n in names.values() if WORKFLOW.match(n)}, key=len)
    if not tops:
        # A bare heap of files: all of them are workflows of one repository.
        for path, name in names.items():
            copy(path, tree / "0" / ".github/workflows" / name.replace("/", "--"))
        return
    for path, name in names.items():
        if WORKFLOW.match(name) or ACTION.match(name):
            inside = [i for i, top in enumerate(tops) if name.startswith(top)]
            if inside:
                copy(path, tree / str(inside[-1]) / name[len(tops[inside[-1]]) :])


def copy(path, to):
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, to)


def completed(zizmor, what):
    """The files that zizmor read to their end; `None` if it gave up altogether."""
    command = [zizmor, "--offline", "--no-progress", "--no-exit-codes", "--color=never", str(what)]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace")
    found = re.findall(r"completed (.+)$", run.stderr, re.M)
    return None if run.returncode else {Path(p).resolve() for p in found}


def agree(zizmor, tree):
    """Takes out what zizmor refuses. Gives the number of files that stay, and of those taken out."""
    files = sorted(p.resolve() for p in tree.rglob("*.y*ml"))
    read = completed(zizmor, tree)
    if read is None:
        read = set().union(*(completed(zizmor, path) or set() for path in files))
    refused = [path for path in files if path not in read]
    for path in refused:
        path.unlink()
    if completed(zizmor, tree) is None:
        sys.exit("zizmor gives up on the whole tree, though it reads every file of it")
    return len(files) - len(refused), len(refused)


def main():
    parser = argparse.ArgumentParser(description="keysweep against zizmor, CPU time.")
    parser.add_argument("--zizmor", required=True)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--incident", default="codecov-2021")
    args = parser.parse_args()
    tree = measure.WORK / "race"
    shutil.rmtree(tree, ignore_errors=True)
    if args.dir:
        if not args.dir.is_dir():
            sys.exit(f"`{args.dir}` is not a folder: name one with workflow files, or none to have them made")
        take(args.dir.resolve(), tree)
        source = "the folder given"
    else:
        made = measure.WORK / "made"
        shutil.rmtree(made, ignore_errors=True)
        generate.tree(made, args.files, args.seed)
        take(made, tree)
        source = f"made from seed {args.seed}"
    if not tree.is_dir():
        sys.exit(f"`{args.dir}` holds no workflow files")
    kept, refused = agree(args.zizmor, tree)
    if not kept:
        sys.exit("zizmor refuses every file, so there is nothing to compare")
    theirs = [args.zizmor, "--offline", "--no-progress", "--no-exit-codes", "--quiet", str(tree)]
    ours, their = measure.best([measure.expose(args.incident, tree), theirs], measure.WELL, args.times)
    version = subprocess.run([args.zizmor, "--version"], capture_output=True, text=True).stdout.strip()
    print(f"{kept} workflow and action files, {source}; {refused} more that zizmor refuses were taken out")
    print(f"best of {args.times}; {measure.machine()}; `expose {args.incident}` against `{version} --offline`")
    print(f"{'':10}{'CPU':>10}{'wall':>10}{'peak RSS':>12}")
    for name, cost in (("keysweep", ours), ("zizmor", their)):
        print(f"{name:10}{cost.cpu:>8.3f} s{cost.wall:>8.3f} s{cost.rss_mb:>9.0f} MB")
    print(f"ratio of CPU time: {ours.cpu / their.cpu:.2f} (at most 0.33 is the aim)")
    sys.exit(ours.cpu * 3 > their.cpu)


if __name__ == "__main__":
    main()
