"""Arguments against the official specifications, and against what the back-end asks beyond them."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend

from drylands_openeo.check.finding import Finding, Rule
from drylands_openeo.check.scopes import Call, Subject
from drylands_openeo.flatgraph import is_reference, references
from drylands_openeo.specifications import specification

MISSING = Rule("argument.missing", "error", "The process cannot run without it.")
UNKNOWN = Rule("argument.unknown", "error", "The process has no such argument; a back-end refuses or ignores it.")
TYPE = Rule("argument.type", "error", "The specification of the process allows other values only.")
NARROWER = Rule("argument.back-end", "error", "The back-end takes less than the specification allows.")
LITERAL = Rule("argument.literal", "error", "The back-end needs the value before it resolves parameters.")
EVEN = Rule("argument.even-kernel", "error", "A kernel needs a pixel in its middle: its sides are odd.")

RULES = (MISSING, UNKNOWN, TYPE, NARROWER, LITERAL, EVEN)


def check_arguments(subject: Subject) -> Iterator[Finding]:
    """Arguments that are missing, unknown, of a wrong type, or beyond the back-end."""
    for call in subject.calls:
        spec = None if call.is_foreign else specification(call.process_id)
        found = [] if spec is None else list(_by_specification(call, spec["parameters"]))
        yield from found or _by_back_end(call, subject)
        if call.process_id == "apply_kernel":
            yield from _kernel(call)


def _by_specification(call: Call, parameters: list[Mapping[str, Any]]) -> Iterator[Finding]:
    declared = {parameter["name"]: parameter for parameter in parameters}
    for name in sorted(set(call.arguments) - set(declared)):
        known = ", ".join(declared) or "none"
        yield UNKNOWN.at(call.path, f"{call.process_id!r} has no argument {name!r}", f"It has: {known}.")
    for name, parameter in declared.items():
        if name not in call.arguments:
            if not parameter.get("optional"):
                yield MISSING.at(
                    call.path, f"{call.process_id!r} misses {name!r}", f"Give {name!r}: {parameter['description']}"
                )
            continue
        value = call.arguments[name]
        if value is None and parameter.get("optional") and parameter.get("default") is None:
            continue
        schema = parameter["schema"]
        error = _fault(value, {"anyOf": schema} if isinstance(schema, list) else schema)
        if error is not None:
            yield TYPE.at(call.path, f"argument {_place(name, error)}: {error.message}", _allowed(error))


def _by_back_end(call: Call, subject: Subject) -> Iterator[Finding]:
    for (process_id, name), asked in subject.profile.arguments.items():
        if process_id != call.process_id or name not in call.arguments:
            continue
        value = call.arguments[name]
        if asked.literal and any(references(value, "from_parameter")):
            yield LITERAL.at(call.path, f"argument {name!r} holds a parameter", "Write the value.", why=asked.why)
        error = _fault(value, asked.schema)
        if error is not None:
            what = f"argument {_place(name, error)}: {error.message}"
            yield NARROWER.at(call.path, what, _allowed(error), why=asked.why)


def _kernel(call: Call) -> Iterator[Finding]:
    kernel = call.arguments.get("kernel")
    if not isinstance(kernel, list) or not all(isinstance(row, list) for row in kernel):
        return
    sides = {len(kernel), *map(len, kernel)}
    if any(side % 2 == 0 for side in sides):
        yield EVEN.at(call.path, f"the kernel has sides of {sorted(sides)}", "Add a row and a column of zeros.")


def _fault(value: Any, schema: Mapping[str, Any]) -> ValidationError | None:
    """The most telling fault; what comes from a node or a parameter is taken to be right."""
    return best_match(_VALIDATOR(schema).iter_errors(value))


def _place(name: str, error: ValidationError) -> str:
    return repr(name) + "".join(f"[{step!r}]" for step in error.absolute_path)


def _allowed(error: ValidationError) -> str:
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    for key, text in (("enum", "one of: {}"), ("const", "{}"), ("pattern", "what matches {}"), ("type", "{}")):
        if key in schema and key == error.validator:
            value = schema[key]
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            return f"Give {text.format(shown)}."
    if error.validator == "anyOf":
        return f"Give one of: {'; '.join(_described(option) for option in schema['anyOf'])}."
    return "See the specification of the process."


def _described(schema: Mapping[str, Any]) -> str:
    for key in ("title", "subtype", "description", "enum", "type"):
        if key in schema:
            return str(schema[key])
    return "another value"


def _unless_reference(keyword: Any) -> Any:
    """A keyword of JSON schema that has nothing to say of values that are not there yet."""

    def validate(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if is_reference(instance, "from_node") or is_reference(instance, "from_parameter"):
            return
        yield from keyword(validator, value, instance, schema) or ()

    return validate


_VALIDATOR = extend(
    Draft7Validator, {name: _unless_reference(rule) for name, rule in Draft7Validator.VALIDATORS.items()}
)
