"""``python -m drylands_openeo.cli``."""

from drylands_openeo.cli.app import main

main()
