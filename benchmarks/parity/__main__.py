"""Print the parity table, and keep it in docs/parity.md: ``python -m benchmarks.parity``."""

import logging
import sys
import tempfile
import warnings
from contextlib import ExitStack
from pathlib import Path

from benchmarks.parity import peers
from benchmarks.parity.cases import case_of
from benchmarks.parity.runs import Engine, Loopback, source_of
from benchmarks.parity.table import Compute, compared, page
from drylands_openeo.products import PRODUCTS
from drylands_openeo.world import build

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "parity.md"
VERSIONS = {
    "loopback": "`drylands serve`, real client",
    "titiler": "titiler-openeo 0.19 over rustac",
    "dask": "openeo-processes-dask",
}
MARK = "<!-- table -->"


def main() -> None:
    sys.path.insert(0, str(ROOT / "tests"))  # servers on loopback are the tests' own
    import backends
    import servers

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        world = build(folder / "world", size=(600, 500), period="2020")
        engine = Engine(world, folder)
        server = stack.enter_context(backends.served(folder / "data", source=source_of(world), collections=[]))
        asked: dict[str, tuple[Compute, Compute]] = {"loopback": (Loopback(world, folder, server.connect()), engine)}
        if peers.reason_without("titiler") is None:
            asked["titiler"] = stack.enter_context(peers.titiler(world, folder, servers))
        if peers.reason_without("dask") is None:
            tile = peers.Tile.of(world, folder / "local.json")
            asked["dask"] = (peers.ProcessesDask(tile), peers.OnTile(tile, folder, single=True))
        lines = [compared(case_of(product), engine, asked) for product in PRODUCTS.values()]
    text = page(lines, VERSIONS)
    print(text)
    head = PAGE.read_text("utf-8").split(MARK)[0]
    PAGE.write_text(f"{head}{MARK}\n\n{text}\n", "utf-8")


if __name__ == "__main__":
    main()
