"""What one process cost: CPU time, wall time, largest resident set."""

import os
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "target" / "bench"
KEYSWEEP = ROOT / "target" / "release" / "keysweep"
# Nothing exposed, exposed, unknown: the run itself went well.
WELL = (0, 10, 20)


@dataclass(frozen=True)
class Cost:
    cpu: float
    wall: float
    # Never below that of this script, which the child starts from.
    rss_mb: float


def once(command, well):
    quiet = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, quiet, fd) for fd in (0, 1, 2)]
    start = time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - start
    os.close(quiet)
    code = os.waitstatus_to_exitcode(status)
    if code not in well:
        sys.exit(f"`{' '.join(command)}` ended with {code}: run it by hand to see why")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def best(commands, well, times):
    """The cheapest run of each; they take turns, so that a busy moment hits all of them."""
    runs = [[once(command, well) for command in commands] for _ in range(times)]
    least = lambda costs: Cost(*(min(getattr(c, f) for c in costs) for f in ("cpu", "wall", "rss_mb")))
    return [least([run[i] for run in runs]) for i in range(len(commands))]


def expose(incident, root):
    return [str(KEYSWEEP), "expose", incident, str(root), "--as-of", "2021-03-01"]


def machine():
    return f"{len(os.sched_getaffinity(0))} cores, {platform.system()} {platform.machine()}"
