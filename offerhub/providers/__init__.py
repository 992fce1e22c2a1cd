"""Ports to the outside and the HTTP clients behind them."""
