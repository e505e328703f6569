"""The engine behind the openEO API 1.2, for clients on this machine; needs the extra ``server``."""
