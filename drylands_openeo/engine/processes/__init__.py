"""openEO processes as functions."""
