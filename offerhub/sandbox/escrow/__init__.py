"""Trustless Work's single-release escrow contracts and its V1 HTTP face (docs/spec/trustless-work.md)."""
