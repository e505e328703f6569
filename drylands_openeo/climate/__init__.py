"""Monthly climate from files and catalogues of any make: one set of names, one set of units, one calendar."""

from drylands_openeo.climate.catalogue import ClimateCatalogue
from drylands_openeo.climate.file import ClimateFile, is_climate
from drylands_openeo.climate.variables import CLIMATE

__all__ = ["CLIMATE", "ClimateCatalogue", "ClimateFile", "is_climate"]
