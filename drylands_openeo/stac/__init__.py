"""Items from a STAC source, and the pixels behind them."""
