"""A product: what it maps, its parameters, its output bands with units, and the process graph that computes it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator
from openeo import DataCube
from openeo.api.process import Parameter as OpenParameter
from openeo.rest.udp import build_process_dict

from drylands_openeo.area import Area, Period
from drylands_openeo.errors import DrylandsError
from drylands_openeo.flatgraph import calls, parameters_used
from drylands_openeo.profiles import Profile

Arguments = Mapping[str, Any]
"""Parameter name -> value, or an ``openeo`` parameter where the graph leaves it to the caller."""

NO_DEFAULT = object()
"""The default of a parameter that must be given."""


def is_open(value: Any) -> bool:
    """Whether the value is left to whoever calls the user-defined process.

    >>> is_open(OpenParameter("index", "a name", {"type": "string"})), is_open("ndvi")
    (True, False)
    """
    return isinstance(value, OpenParameter)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a product; ``schema`` is JSON schema.

    ``derive``: computes the default from the other arguments, where it depends on them.
    ``fixed``: decides the shape of the graph and cannot be a process-graph parameter; a user-defined process has it at
    its default. ``open_schema``: the narrower choice that a user-defined process offers.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    default: Any = NO_DEFAULT
    derive: Callable[[Arguments], Any] | None = None
    fixed: bool = False
    open_schema: Mapping[str, Any] | None = None

    def checked(self, value: Any) -> Any:
        """The value in its one form; raises DrylandsError where the schema forbids it.

        >>> Parameter("harmonics", "How many.", {"type": "integer", "maximum": 3}).checked(4)
        Traceback (most recent call last):
        ...
        drylands_openeo.errors.DrylandsError: parameter 'harmonics': 4 is greater than the maximum of 3; allowed:
        {"type": "integer", "maximum": 3}
        """
        if self.schema.get("type") == "array":
            value = list(value) if isinstance(value, list | tuple) else [value]
        validator = Draft202012Validator(self.schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for error in validator.iter_errors(value):
            raise DrylandsError(f"parameter {self.name!r}: {error.message}; allowed: {json.dumps(self.schema)}")
        return value

    @property
    def open(self) -> OpenParameter:
        """The parameter of a user-defined process."""
        default = {} if self.default is NO_DEFAULT else {"default": self.default}
        return OpenParameter(self.name, self.description, dict(self.open_schema or self.schema), **default)


@dataclass(frozen=True)
class OutputBand:
    """One band of a product's result; ``unit`` as UDUNITS ("1" = none)."""

    name: str
    unit: str
    description: str


SPATIAL_EXTENT = Parameter("spatial_extent", "Area of interest.", OpenParameter.bounding_box("spatial_extent").schema)

TEMPORAL_EXTENT = Parameter(
    "temporal_extent",
    "Period of the images used: [start, end), the end is not included.",
    OpenParameter.temporal_interval("temporal_extent").schema,
)

RESOLUTION = Parameter(
    "resolution",
    "Pixel size [m] of a run that puts every band on one grid; null: each collection on the grid of its bands.",
    {"type": ["number", "null"], "exclusiveMinimum": 0},
    default=None,
    fixed=True,
)

COMMON = (SPATIAL_EXTENT, TEMPORAL_EXTENT, RESOLUTION)
"""What every graph needs besides the product's own parameters."""


@dataclass(frozen=True)
class Product:
    """What can be computed, once for every back-end.

    ``inputs``: roles of the collections it reads. ``bands``: arguments -> output bands. ``cube``: profile and arguments
    -> the lazy openEO cube; both trust their arguments, which ``outputs`` and ``graph`` have checked and completed.
    ``job_options``: what a batch job needs beyond the back-end's own, by the names of CDSE's driver.
    ``keywords``: of the record in APEx's catalogue, from its list.
    """

    id: str
    summary: str
    description: str
    inputs: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    bands: Callable[[Arguments], tuple[OutputBand, ...]]
    cube: Callable[[Profile, Arguments], DataCube]
    performance: str
    references: tuple[str, ...]
    limitations: tuple[str, ...]
    example: Arguments = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()
    job_options: Mapping[str, Any] = field(default_factory=dict)
    keywords: tuple[str, ...] = ("Sentinel-2", "Vegetation")

    def outputs(self, arguments: Arguments) -> tuple[OutputBand, ...]:
        """The bands of the result, in order. Raises DrylandsError for an argument that is not allowed."""
        asked = tuple(p for p in self.parameters if p.derive is None or p.name in arguments)
        return self.bands(self._complete(arguments, asked))

    def graph(self, profile: Profile, arguments: Arguments) -> DataCube:
        """The lazy cube; ``arguments`` with ``spatial_extent``, ``temporal_extent`` and, if need be, ``resolution``."""
        return self.cube(profile, self._complete(arguments, (*COMMON, *self.parameters)))

    def flat_graph(
        self,
        profile: Profile,
        *,
        spatial_extent: Any,
        temporal_extent: Any,
        resolution: float | None = RESOLUTION.default,
        **arguments: Any,
    ) -> dict[str, Any]:
        """The process graph with every value filled in; it ends in the result cube, without ``save_result``.

        ``spatial_extent``: an Area, anything that Area.of takes, or openEO's west, south, east, north (and crs);
        ``temporal_extent``: anything that Period.of takes; ``resolution``: pixel size [m] of a run that puts every
        band on one grid, where the back-end does so (``Profile.one_grid``). Raises DrylandsError where the
        back-end lacks a process.
        """
        extents = {"spatial_extent": spatial_extent, "temporal_extent": temporal_extent, "resolution": resolution}
        return self._offered(profile, self.cube(profile, self.filled(**extents, **arguments)))

    def filled(
        self,
        *,
        spatial_extent: Any,
        temporal_extent: Any,
        resolution: float | None = RESOLUTION.default,
        **arguments: Any,
    ) -> dict[str, Any]:
        """Every argument of the graph, checked, in its one form, defaults filled in."""
        common = {
            SPATIAL_EXTENT.name: _extent(spatial_extent),
            TEMPORAL_EXTENT.name: list(Period.of(temporal_extent).interval),
            RESOLUTION.name: resolution,
        }
        return self._complete({**arguments, **common}, (*COMMON, *self.parameters))

    def udp(self, profile: Profile, **fixed: Any) -> dict[str, Any]:
        """The user-defined process for a back-end: what can be a process-graph parameter is left one.

        ``fixed``: parameters of the product that are given their value for good; the others that cannot be
        process-graph parameters are fixed at their defaults. Raises DrylandsError where the back-end lacks a process.
        """
        given = [parameter for parameter in self.parameters if parameter.name in fixed]
        closed = self._complete(fixed, tuple(given))
        closed |= {p.name: p.default for p in (*COMMON, *self.parameters) if p.fixed and p.name not in closed}
        opened = {p.name: p.open for p in (*COMMON, *self.parameters) if p.name not in closed}
        graph = self._offered(profile, self.cube(profile, {**closed, **opened}))
        # What a back-end's own data make needless (the latitude, where there is a band of it) is not asked for.
        asked = [parameter for name, parameter in opened.items() if name in parameters_used(graph)]
        return _plain(
            build_process_dict(
                process_graph=graph,
                process_id=self.id,
                summary=self.summary,
                description=self._text(closed),
                parameters=asked,
                returns={
                    "description": "A raster cube; its bands are listed in the description.",
                    "schema": {"type": "object", "subtype": "datacube"},
                },
                categories=["cubes", "drylands"],
                links=[
                    {"rel": "about", "href": f"https://doi.org/{text.split('doi:')[1]}", "title": text}
                    for text in self.references
                    if "doi:" in text
                ],
                default_job_options=self.options(profile, graph),
            )
        )

    def options(self, profile: Profile, graph: Mapping[str, Any]) -> dict[str, Any] | None:
        """What a batch job of the product's graph is sent with; None where the back-end knows no such options."""
        if profile.job_options is None:
            return None
        has_function = any(name == "run_udf" for name, _ in calls(graph))
        return {**profile.job_options, **(profile.udf_job_options if has_function else {}), **self.job_options}

    def _offered(self, profile: Profile, cube: DataCube) -> dict[str, Any]:
        """The flat graph of ``cube``, if the back-end has every process in it."""
        graph = _plain(cube.flat_graph())
        missing = {
            name
            for name, inside in calls(graph)
            if name not in (profile.callback_processes if inside else profile.processes)
        }
        if missing:
            lacking = ", ".join(sorted(missing))
            raise DrylandsError(f"back-end {profile.name!r} does not offer {lacking}, which product {self.id!r} needs")
        return graph

    def _complete(self, arguments: Arguments, parameters: tuple[Parameter, ...]) -> dict[str, Any]:
        known = [parameter.name for parameter in parameters]
        foreign = sorted(set(arguments) - {*known, *(parameter.name for parameter in COMMON)})
        if foreign:
            own = ", ".join(parameter.name for parameter in self.parameters)
            raise DrylandsError(f"product {self.id!r} has no parameter {foreign[0]!r}; it has: {own}")
        values = {name: arguments[name] for name in known if arguments.get(name) is not None}
        for parameter in parameters:
            if parameter.name not in values:
                values[parameter.name] = self._default(parameter, values)
            values[parameter.name] = parameter.checked(values[parameter.name])
        return values

    def _default(self, parameter: Parameter, values: Arguments) -> Any:
        if parameter.derive is not None:
            return parameter.derive(values)
        if parameter.default is NO_DEFAULT:
            raise DrylandsError(f"product {self.id!r} needs parameter {parameter.name!r}: {parameter.description}")
        return parameter.default

    def _text(self, closed: Arguments) -> str:
        """The description of the user-defined process, in Markdown, with the sections that APEx asks for."""
        at = ", ".join(f"`{p.name}` = {json.dumps(closed[p.name])}" for p in self.parameters if p.name in closed)
        defaults = {p.name: p.default for p in self.parameters if p.default is not NO_DEFAULT}
        example = {name: value for name, value in self.example.items() if name not in closed}
        described = self.bands({**defaults, **self.example, **closed})
        call = {"process_id": self.id, "arguments": {**EXAMPLE_EXTENTS, **example}}
        sections = [
            f"# Description\n\n{self.description}",
            "Bands with the example's arguments [unit]:\n\n"
            + "\n".join(f"- `{band.name}` [{band.unit}]: {band.description}" for band in described),
            f"Fixed in this process, free when a graph is generated: {at}.",
            f"# Performance characteristics\n\n{self.performance}",
            f"# Examples\n\n```json\n{json.dumps(call, indent=2)}\n```",
            f"# Literature references\n\n{_listed(self.references)}",
            f"# Known limitations\n\n{_listed(self.limitations)}",
        ]
        if self.artifacts:
            sections.append(f"# Known artifacts\n\n{_listed(self.artifacts)}")
        return "\n\n".join(sections)


EXAMPLE_EXTENTS = {
    "spatial_extent": {"west": 115.0, "south": 42.4, "east": 115.1, "north": 42.5},
    "temporal_extent": ["2021-01-01", "2024-01-01"],
}


def _listed(texts: tuple[str, ...]) -> str:
    return "\n".join(f"- {text}" for text in texts)


def _extent(some: Any) -> dict[str, Any]:
    if isinstance(some, Mapping) and "west" in some:
        return dict(some)
    return dict(Area.of(some).spatial_extent)


def _plain(graph: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON would give it back: no tuple, no shared list."""
    plain: dict[str, Any] = json.loads(json.dumps(graph))
    return plain
