"""The text of a user-defined function, read without running it."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from openeo.udf import OpenEoUdfException, UdfData, XarrayDataCube
from openeo.udf.run_code import extract_udf_dependencies, run_udf_code

_SIGNATURE_MODULES = {"__future__", "numpy", "openeo", "pandas", "typing", "xarray"}
PRELOADED = (
    "np",
    "numpy",
    "pandas",
    "pd",
    "shapely",
    "xarray",
    "math",
    "UdfData",
    "XarrayDataCube",
    "DataCube",
    "dict",
)
"""Names that openEO's loader defines for every text, as far as annotations use them."""
ENTRY_POINTS = ("apply_datacube", "apply_hypercube", "apply_timeseries", "apply_vectorcube", "apply_udf_data")


@dataclass(frozen=True)
class UdfText:
    """A text that is Python."""

    text: str
    tree: ast.Module

    @classmethod
    def parse(cls, text: str) -> "UdfText":
        """Raises SyntaxError."""
        return cls(text, ast.parse(text))

    @property
    def packages(self) -> set[str]:
        """Top-level names of what is imported anywhere in it, the standard library left out; '.' for its own kin."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").split(".")[0] if node.level == 0 else ".")
        return found - sys.stdlib_module_names

    @property
    def dependencies(self) -> list[str]:
        """What its PEP 723 header asks the back-end to install."""
        return list(extract_udf_dependencies(self.text) or ())

    @property
    def has_future(self) -> bool:
        """Whether it imports from __future__."""
        return any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in ast.walk(self.tree))

    @property
    def functions(self) -> list[ast.FunctionDef]:
        """The functions at its top level."""
        return [node for node in self.tree.body if isinstance(node, ast.FunctionDef)]

    def entry_point(self) -> str | None:
        """The function that openEO's own loader takes: it is shown the signatures alone, nothing of the text runs."""
        stand_in = ast.unparse(ast.fix_missing_locations(ast.Module(list(self._signatures()), [])))
        data = UdfData(
            datacube_list=[XarrayDataCube(xr.DataArray(np.zeros((1, 1, 1, 1)), dims=("t", "bands", "y", "x")))]
        )
        try:
            run_udf_code(stand_in, data)
        except LookupError as taken:
            return str(taken.args[0])
        except (OpenEoUdfException, ImportError, NameError, AttributeError):
            return None
        return None

    def positions(self) -> Iterator[int]:
        """Lines that read the coordinates x or y of the cube."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute):
                if node.attr in ("x", "y") and _is_cube(node.value):
                    yield node.lineno
            elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                labelled = _is_cube(node.value) or (
                    isinstance(node.value, ast.Attribute) and node.value.attr == "coords"
                )
                if labelled and node.slice.value in ("x", "y"):
                    yield node.lineno

    def _signatures(self) -> Iterator[ast.stmt]:
        """Imports that annotations may need, and each function with a body that says only its name."""
        known = set(PRELOADED)
        for node in self.tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                kept = _kept(node)
                if kept is not None:
                    known |= {alias.asname or alias.name.split(".")[0] for alias in kept.names}
                    yield kept
            elif isinstance(node, ast.FunctionDef):
                yield _signature(node, None if node.name in ENTRY_POINTS else known)


def _kept(node: ast.Import | ast.ImportFrom) -> ast.Import | ast.ImportFrom | None:
    """What of an import annotations may need: modules that do no harm."""
    if isinstance(node, ast.ImportFrom):
        return node if node.level == 0 and (node.module or "").split(".")[0] in _SIGNATURE_MODULES else None
    names = [alias for alias in node.names if alias.name.split(".")[0] in _SIGNATURE_MODULES]
    return ast.Import(names) if names else None


def _is_cube(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "cube"


def _signature(function: ast.FunctionDef, known: set[str] | None) -> ast.FunctionDef:
    """The function with plain annotations, empty defaults and no decorators, saying its name when it is called.

    ``known``: names that annotations may use; None: any, so that one that is not imported fails here as it does there.
    """
    given = function.args

    def plain(arg: ast.arg) -> ast.arg:
        return ast.arg(arg.arg, arg.annotation if _is_plain(arg.annotation, known) else None)

    args = ast.arguments(
        posonlyargs=[plain(arg) for arg in given.posonlyargs],
        args=[plain(arg) for arg in given.args],
        vararg=None if given.vararg is None else ast.arg(given.vararg.arg),
        kwonlyargs=[plain(arg) for arg in given.kwonlyargs],
        kw_defaults=[None if default is None else ast.Constant(None) for default in given.kw_defaults],
        kwarg=None if given.kwarg is None else ast.arg(given.kwarg.arg),
        defaults=[ast.Constant(None) for _ in given.defaults],
    )
    body = ast.parse(f"raise LookupError({function.name!r})").body
    returns = function.returns if _is_plain(function.returns, known) else None
    return ast.FunctionDef(name=function.name, args=args, body=body, decorator_list=[], returns=returns)


def _is_plain(annotation: ast.expr | None, known: set[str] | None) -> bool:
    """Whether an annotation is a known name with dots or a text: reading it runs nothing."""
    if isinstance(annotation, ast.Attribute):
        return _is_plain(annotation.value, known)
    if isinstance(annotation, ast.Name):
        return known is None or annotation.id in known
    return isinstance(annotation, ast.Constant)
