"""Process graphs run on this machine: sources of pixels, tiles, and the files that come out."""

from drylands_openeo.local.output import Output, Result
from drylands_openeo.local.run import Progress, Workers, run, silent
from drylands_openeo.local.sources import Catalogue, file_source, source_of

__all__ = ["Catalogue", "Output", "Progress", "Result", "Workers", "file_source", "run", "silent", "source_of"]
