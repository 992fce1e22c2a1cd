"""The settings of a process: read once, validated together (docs/spec/settings.md)."""

from offerhub.settings._loading import load_settings
from offerhub.settings._networks import NETWORKS, Network
from offerhub.settings._reader import Seen
from offerhub.settings._values import (
    Airtm,
    AmountRange,
    Chain,
    Http,
    Limits,
    Logs,
    Metrics,
    Sandbox,
    Settings,
    SettingsError,
    Stellar,
    TrustlessWork,
    WalletEncryption,
)

__all__ = [
    "NETWORKS",
    "Airtm",
    "AmountRange",
    "Chain",
    "Http",
    "Limits",
    "Logs",
    "Metrics",
    "Network",
    "Sandbox",
    "Seen",
    "Settings",
    "SettingsError",
    "Stellar",
    "TrustlessWork",
    "WalletEncryption",
    "load_settings",
]
