"""What torchrun starts in each process of test_together: takes up the training stored in a file, and stores how it went."""

import os
import pickle
import sys
from pathlib import Path

from attribution_dagster.core.models.together import train_together

if __name__ == "__main__":
    stored = Path(sys.argv[1])
    course = train_together(pickle.loads(stored.read_bytes()))
    stored.with_name(f"course-{os.environ['RANK']}").write_bytes(pickle.dumps(course))
