"""The sandbox in a browser: a page for the emulated workspace and what stands beside it. See `Page`."""

from bot.sandbox.page.app_manifest import AppManifest, read_manifest
from bot.sandbox.page.server import Page

__all__ = ["AppManifest", "Page", "read_manifest"]
