"""Trustless Work's single-release escrow contracts and its V1 HTTP face (trustless-work.md)."""
