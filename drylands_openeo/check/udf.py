"""User-defined functions: where they stand, and whether the back-end finds and can run their text."""

import re
from collections.abc import Iterator

from drylands_openeo.check.cubes import Cubes, cubes_of, input_of
from drylands_openeo.check.finding import Finding, Rule
from drylands_openeo.check.scopes import Call, Subject
from drylands_openeo.check.udf_text import ENTRY_POINTS, UdfText
from drylands_openeo.profiles import Profile, UdfRules

ALONE = Rule(
    "udf.alone",
    "error",
    "A callback that holds run_udf holds nothing else: the driver looks for that one node, and runs it.",
)
PARENT = Rule("udf.parent", "error", "The back-end runs functions under certain processes only.")
RUNTIME = Rule("udf.runtime", "error", "The back-end has no such runtime.")
SYNTAX = Rule("udf.syntax", "error", "The text is no Python.")
FUTURE = Rule(
    "udf.future", "error", "With it annotations become texts, and openEO, which finds the function by them, finds none."
)
ENTRY = Rule(
    "udf.entry-point",
    "error",
    "openEO takes the first function whose name and annotations fit, such as "
    "def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray.",
)
IMPORTS = Rule(
    "udf.imports", "error", "The back-end does not have the package: the job fails when it starts to compute."
)
INSTALL = Rule(
    "udf.dependencies",
    "warning",
    "Packages of a PEP 723 header are installed for batch jobs only, when the job starts; a synchronous call fails.",
)
WORD = Rule("udf.word", "error", "The back-end looks for the word in the text.")
BANDS = Rule(
    "udf.bands-dimension", "error", "A function is handed a cube with a dimension of bands; without one the job fails."
)
POSITIONS = Rule("udf.positions", "warning", "Coordinates arrive in 32 bits: half a metre is lost in UTM northings.")

RULES = (ALONE, PARENT, RUNTIME, SYNTAX, FUTURE, ENTRY, IMPORTS, INSTALL, WORD, BANDS, POSITIONS)


def check_udfs(subject: Subject) -> Iterator[Finding]:
    """Faults of every run_udf, where the back-end runs functions at all."""
    rules = subject.profile.udf
    if rules is None:
        return
    cubes = cubes_of(subject)
    for call in subject.calls:
        if call.process_id == "run_udf" and not call.is_foreign:
            yield from _place(call, rules, subject, cubes)
            yield from _runtime(call, subject.profile)
            text = call.arguments.get("udf")
            if isinstance(text, str) and "\n" in text:
                yield from check_text(text, rules, call.path)


def _place(call: Call, rules: UdfRules, subject: Subject, cubes: Cubes) -> Iterator[Finding]:
    owner = call.scope.owner
    if owner is None:
        return
    if len(call.scope.calls) > 1:
        others = ", ".join(repr(other.process_id) for other in call.scope.calls.values() if other is not call)
        yield ALONE.at(call.path, f"beside it stand {others}", "Move them before or behind, or into the function.")
    if owner.process_id not in rules.parents:
        known = ", ".join(sorted(rules.parents))
        yield PARENT.at(call.path, f"it stands under {owner.process_id!r}", f"Put it under one of: {known}.")
    dimensions = input_of(owner, cubes).dimensions if owner.scope is subject.root else None
    if dimensions is not None and subject.profile.band not in dimensions:
        yield BANDS.at(
            call.path,
            f"the cube has only the dimensions {', '.join(sorted(dimensions))}",
            f"Call add_dimension(name={subject.profile.band!r}, label=..., type='bands') before.",
        )


def _runtime(call: Call, profile: Profile) -> Iterator[Finding]:
    runtime, version = call.arguments.get("runtime"), call.arguments.get("version")
    if not isinstance(runtime, str):
        return
    known = {name.lower(): versions for name, versions in profile.udf_runtimes.items()}
    offered = "; ".join(f"{name} {', '.join(versions)}" for name, versions in profile.udf_runtimes.items())
    if runtime.lower() not in known:
        yield RUNTIME.at(call.path, f"there is no runtime {runtime!r}", f"There are: {offered}.")
    elif isinstance(version, str) and version not in known[runtime.lower()]:
        yield RUNTIME.at(call.path, f"runtime {runtime!r} has no version {version!r}", f"There are: {offered}.")


def check_text(text: str, rules: UdfRules, node: str = "") -> Iterator[Finding]:
    """Faults of a text by itself."""
    try:
        udf = UdfText.parse(text)
    except SyntaxError as error:
        yield SYNTAX.at(node, f"line {error.lineno}: {error.msg}", "Mend the line.")
        return
    if udf.has_future:
        yield FUTURE.at(node, "it imports from __future__", "Take the import out.")
    else:
        yield from _entry_point(udf, node)
    yield from _packages(udf, rules, node)
    names = {function.name for function in udf.functions}
    for word, why in rules.words.items():
        if word in text and word not in names:
            yield WORD.at(node, f"the text holds the word {word!r}", "Say it by another word.", why=why)
    for line in sorted(set(udf.positions())):
        yield POSITIONS.at(node, f"line {line} reads x or y of the cube", "Use positions within the array.")


def _entry_point(udf: UdfText, node: str) -> Iterator[Finding]:
    found = udf.entry_point()
    wanted = [function.name for function in udf.functions if function.name in ENTRY_POINTS]
    mend = "Write def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray."
    if found is None:
        yield ENTRY.at(node, f"openEO finds no function; there are: {', '.join(wanted) or 'none of its names'}", mend)
    elif wanted and found not in wanted:
        what = f"openEO takes {found!r}, not {wanted[0]!r}"
        yield ENTRY.at(node, what, f"Take the annotation UdfData off {found!r}.")


def _packages(udf: UdfText, rules: UdfRules, node: str) -> Iterator[Finding]:
    asked = {match[0].replace("-", "_").lower() for text in udf.dependencies if (match := re.match(r"[\w.-]+", text))}
    if asked:
        yield INSTALL.at(node, f"its header asks for {', '.join(udf.dependencies)}", "Run it as a batch job.")
    for package in sorted(udf.packages - rules.packages):
        if package.lower() not in asked:
            known = ", ".join(sorted(rules.packages))
            mend = f"There are the standard library, {known}; ask for others by a PEP 723 header."
            yield IMPORTS.at(node, "it imports a file beside it" if package == "." else f"it imports {package!r}", mend)
