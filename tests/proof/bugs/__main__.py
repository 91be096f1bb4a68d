"""`python -m tests.proof.bugs B5 workers`: plants the bug in this process, then runs the module as `python -m` does."""

import runpy
import sys

from tests.proof.bugs.catalogue import BUGS

if __name__ == "__main__":
    name, module, *rest = sys.argv[1:]
    BUGS[name].plant()
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
