"""What a caller catches. Each message names the argument, its value and what would be right."""


class DrylandsError(Exception):
    """The base of every error that a user can mend."""


class SourceError(DrylandsError):
    """A STAC API, catalogue or file cannot be reached or read."""


class UnknownCollectionError(SourceError):
    """The source has no such collection."""


class NoItemsError(SourceError):
    """The search is right, but nothing was found."""


class AssetError(SourceError):
    """An asset of an item is missing or broken."""


class GraphError(DrylandsError):
    """A process graph cannot be run; ``node`` is the id of the node at fault.

    >>> str(GraphError("no process 'ndwi2'", node="index1"))
    "node 'index1': no process 'ndwi2'"
    """

    def __init__(self, message: str, *, node: str | None = None, code: str | None = None) -> None:
        self.node = node
        self.code = code
        super().__init__(message if node is None else f"node {node!r}: {message}")


class UdfError(GraphError):
    """A user-defined function was refused, was not found, or raised."""


class KernelInputError(DrylandsError):
    """An array given to a product does not have the declared form."""


class ContractWarning(UserWarning):
    """Pixels look as if scale or offset were not what the catalogue declares."""


class RegionError(DrylandsError):
    """A region does not hold enough for a statistic over all of it."""


class JobError(DrylandsError):
    """A batch job failed at its back-end, or its back-end cannot be reached any more."""
