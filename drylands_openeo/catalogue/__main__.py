"""``python -m drylands_openeo.catalogue DIRECTORY`` writes everything that is published."""

import sys
from pathlib import Path

from drylands_openeo.catalogue.publish import write

if len(sys.argv) != 2:
    sys.exit("usage: python -m drylands_openeo.catalogue DIRECTORY")
for written in write(Path(sys.argv[1])):
    sys.stdout.write(f"{written}\n")
