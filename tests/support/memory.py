"""How much memory this process has used at most."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path


def peak_mb() -> float:
    """Peak resident memory of this process in MB.

    Linux counts the process that forked this one in `ru_maxrss`, a whole test run perhaps; its own peak is VmHWM.
    """
    if sys.platform == "linux":
        return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
