"""Runs a command and prints what it and all its children took; its exit status is the command's."""

import json
import os
import sys
import time

QUIET = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]

started = time.perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=QUIET)
_, status, used = os.wait4(process, 0)
took = time.perf_counter() - started
print(json.dumps({
    "wall_ms": took * 1e3,
    "cpu_ms": (used.ru_utime + used.ru_stime) * 1e3,
    # Of the largest process. Linux counts in KiB.
    "peak_mb": used.ru_maxrss * 1024 / 1e6,
}))
sys.exit(os.waitstatus_to_exitcode(status))
