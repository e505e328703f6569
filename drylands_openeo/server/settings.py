"""How a server is to behave: who may use it, what it runs, and how much."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from drylands_openeo.errors import DrylandsError

MEGAPIXEL = 1_000_000


def generated_password() -> str:
    """A password nobody can guess."""
    return secrets.token_urlsafe(18)


@dataclass(frozen=True)
class Settings:
    """What is decided when a server starts.

    ``data_dir``: jobs, their results and users' processes. ``trusted``, ``trust_any``: UDF texts that may run besides
    the project's own kernels, as in :class:`Environment`. ``namespaces``: folder whose JSON files graphs may name as
    namespace; None: only http(s) addresses. ``max_pixels``, ``max_job_pixels``: most pixels on the ground that the
    result or a layer of a synchronous request and of a job may have. ``max_body``: of a request [bytes].
    ``sync_seconds``: longest synchronous request. ``parallel``: jobs, and as many synchronous requests, at one time.
    ``threads``: of each.
    """

    data_dir: Path
    user: str = "drylands"
    password: str = field(default_factory=generated_password, repr=False)
    trusted: frozenset[str] = frozenset()
    trust_any: bool = False
    namespaces: Path | None = None
    max_pixels: int = 4 * MEGAPIXEL
    max_job_pixels: int = 400 * MEGAPIXEL
    max_body: int = 8 * 2**20
    sync_seconds: float = 600.0
    parallel: int = 1
    threads: int = 2

    def __post_init__(self) -> None:
        if not self.user or ":" in self.user or not self.password:
            raise DrylandsError(f"user is {self.user!r}: give a name without ':', and a password that is not empty")
        for name in ("max_pixels", "max_job_pixels", "max_body", "sync_seconds", "parallel", "threads"):
            if getattr(self, name) <= 0:
                raise DrylandsError(f"{name} is {getattr(self, name)}; it must be above 0")
