"""The local stand-in for Stellar, Horizon and Trustless Work: a pure core and thin HTTP faces."""
