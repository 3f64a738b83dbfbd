"""A small corpus that comes with the package, and a reader for your own files."""

from sklw.datasets._maintenance import load_maintenance_requests
from sklw.datasets._readers import load_texts

__all__ = ["load_maintenance_requests", "load_texts"]
