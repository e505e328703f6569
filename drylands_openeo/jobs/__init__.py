"""Remote runs: one job, or the tiles of a large area on several back-ends, followed, fetched and put together."""

from drylands_openeo.jobs.connection import Login, address_of, connect, profile_at
from drylands_openeo.jobs.fleet import Care
from drylands_openeo.jobs.follow import Patience
from drylands_openeo.jobs.large import run_large
from drylands_openeo.jobs.request import Request, bound
from drylands_openeo.jobs.single import Done, run_job
from drylands_openeo.jobs.split import MARGIN, Split, split

__all__ = [
    "MARGIN",
    "Care",
    "Done",
    "Login",
    "Patience",
    "Request",
    "Split",
    "address_of",
    "bound",
    "connect",
    "profile_at",
    "run_job",
    "run_large",
    "split",
]
