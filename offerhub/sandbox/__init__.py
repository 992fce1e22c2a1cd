"""The local stand-in for Stellar and Trustless Work: a pure core and a thin HTTP face."""
