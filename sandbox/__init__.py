"""A small false world for tests and the demo: the vendors' own wire formats on loopback, and the truth behind them."""
