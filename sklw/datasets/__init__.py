"""A small corpus that comes with the package, and readers for your own files."""

from sklw.datasets._frames import load_frame
from sklw.datasets._maintenance import load_maintenance_requests
from sklw.datasets._readers import load_texts
from sklw.datasets._tables import load_table

__all__ = ["load_frame", "load_maintenance_requests", "load_table", "load_texts"]
