"""What is stored, as tests look at it: typed values, and views of them that filter."""

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
