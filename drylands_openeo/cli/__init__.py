"""The command line: ``drylands``."""

from drylands_openeo.cli.app import main

__all__ = ["main"]
