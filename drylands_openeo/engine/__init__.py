"""openEO process graphs, evaluated on this machine tile by tile."""
