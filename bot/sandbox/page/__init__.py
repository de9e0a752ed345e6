"""The sandbox in a browser: a page with the emulated workspace, and controls for all parts. See `Page`."""

from bot.sandbox.page.app_manifest import AppManifest, read_manifest
from bot.sandbox.page.server import Page

__all__ = ["AppManifest", "Page", "read_manifest"]
