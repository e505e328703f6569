"""One process called on a small cube, as a graph of one node."""

from layers import GRID, FormulaLayer
from pyproj import Transformer

from drylands_openeo.engine import Environment, Plan, Program

CUBE = FormulaLayer().read(GRID[3:20, 5:19])


def run(process_id, data=CUBE, environment=None, **arguments):
    """One process on a cube; callbacks and plain values stand in the graph."""
    node = {"process_id": process_id, "arguments": {"data": {"from_parameter": "data"}, **arguments}, "result": True}
    program = Program.parse({"parameters": [{"name": "data"}], "process_graph": {"node": node}})
    return Plan(program, environment or Environment(), {"data": data}).evaluate()


def callback(process_id, **arguments):
    return {"process_graph": {"only": {"process_id": process_id, "arguments": arguments, "result": True}}}


def parameter(name):
    return {"from_parameter": name}


MEAN = callback("mean", data=parameter("data"))
SUM_XY = callback("add", x=parameter("x"), y=parameter("y"))
BOX = {"west": 500_055.0, "east": 500_600.0, "south": 4_700_100.0, "north": 4_700_444.0, "crs": 32650}
RING = [(500_100, 4_700_100), (500_650, 4_700_205), (500_400, 4_700_500), (500_145, 4_700_335), (500_100, 4_700_100)]
POLYGON = {
    "type": "Polygon",
    "coordinates": [[list(Transformer.from_crs(32650, 4326, always_xy=True).transform(*point)) for point in RING]],
}


def graph(process_id, **arguments):
    """load -> process; ``other`` is a second load, on a coarser grid shifted by half a pixel."""
    load = {"process_id": "load_collection", "arguments": {"id": "any", "spatial_extent": None}}
    half = {"process_id": "resample_spatial", "arguments": {"data": {"from_node": "load"}, "resolution": 15}}
    clouds = {
        "process_id": "apply",
        "arguments": {"data": {"from_node": "half"}, "process": callback("gt", x=parameter("x"), y=0.4)},
    }
    main = "cube1" if process_id == "merge_cubes" else "data"
    last = {"process_id": process_id, "arguments": {main: {"from_node": "load"}, **arguments}, "result": True}
    nodes = {"load": load, "last": last}
    return nodes | ({"half": half, "other": clouds} if "other" in str(arguments) else {})
