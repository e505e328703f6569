"""Run every benchmark and print one table: ``python -m benchmarks [NAME ...]``."""

import importlib
import pkgutil
import sys
from collections.abc import Iterator

import benchmarks
from benchmarks.table import Row

HEAD = f"{'case':<80}{'ours [s]':>11}{'peer [s]':>11}{'ratio':>11}{'target':>8}"


def found(names: list[str]) -> Iterator[Row]:
    """Rows of the modules with these names, of all when there are none."""
    known = [entry.name for entry in pkgutil.iter_modules(benchmarks.__path__)]
    unknown = set(names) - set(known)
    if unknown:
        raise SystemExit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    for name in names or known:
        module = importlib.import_module(f"benchmarks.{name}")
        if hasattr(module, "rows"):
            yield from module.rows()


def line(row: Row) -> str:
    """
    >>> line(Row("fit, lstsq", 0.2, 30.0, 150.0, 100)).split()
    ['fit,', 'lstsq', '0.2', '30', '150.00', '100']
    """
    missed = "" if row.ratio >= row.target else "  missed"
    return f"{row.case:<80}{row.ours:>11.4g}{row.peer:>11.4g}{row.ratio:>11,.2f}{row.target:>8.4g}{missed}"


if __name__ == "__main__":
    print(HEAD)
    for row in found(sys.argv[1:]):
        print(line(row), flush=True)
