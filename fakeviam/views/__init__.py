"""Stored objects for tests: typed values, and views that can be filtered."""

from __future__ import annotations

from fakeviam.views.stored import StoredDataset, StoredFile, StoredReading
from fakeviam.views.view import NotStoredError, View
from fakeviam.views.views import dataset_view, file_view, reading_view

__all__ = [
    "NotStoredError",
    "StoredDataset",
    "StoredFile",
    "StoredReading",
    "View",
    "dataset_view",
    "file_view",
    "reading_view",
]
