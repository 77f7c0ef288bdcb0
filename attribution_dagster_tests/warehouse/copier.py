"""A process that copies a table and is killed on the way: `python -m …copier <folder> <slices>`, the address in the environment."""

import os
import signal
import sys
from pathlib import Path

from attribution_dagster.warehouse.copying import TableCopy
from attribution_dagster_tests.warehouse.databases import VARIABLE
from attribution_dagster_tests.warehouse.test_database import DAY, END, LATE, NOW, opened


def main() -> None:
    """Copy, and die by SIGKILL in the middle of the slice after so many."""
    seen = 0
    real = TableCopy._kept

    def dying(self: TableCopy, batch: object) -> object:
        nonlocal seen
        seen += 1
        if seen > int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, batch)  # type: ignore[arg-type]

    TableCopy._kept = dying  # type: ignore[assignment, method-assign]
    copy = TableCopy(Path(sys.argv[1]), slice_length=DAY, late=LATE)
    copy.update(opened(os.environ[VARIABLE]), "it", NOW, END, lambda message, share: None)


if __name__ == "__main__":
    main()
