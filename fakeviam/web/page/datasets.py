"""The view of datasets: members, labels, training minimums, exports."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from pathlib import Path
from shutil import make_archive
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from fakeviam.model.datasets import DatasetType
from fakeviam.model.filters import Query
from fakeviam.server.services.data.sequences import sequences_in
from fakeviam.server.services.sequence_files import file_of, is_available
from fakeviam.server.services.turns import in_thread
from fakeviam.web.downloads import zipped
from fakeviam.web.page.files import cards_of
from fakeviam.web.page.filters import PAGE
from fakeviam.web.page.sequences import jobs_of
from fakeviam.web.problems import HttpProblem
from fakeviam.wire import data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from fakeviam.model.datasets import Dataset
    from fakeviam.model.records import BinaryRecord
    from fakeviam.store.base import Store
    from fakeviam.web.page.visit import Visit

#: The service's requirements for training: examples per label, share of labelled files.
LEAST_OF_A_LABEL: Final = 10
LEAST_LABELLED: Final = 0.8
LEAST_IMAGES: Final = 15

#: The formats of exports and their titles, as in `fakeviam export`.
_FORMS: Final = MappingProxyType(
    {"jsonl": "dataset.jsonl", "coco": "COCO", "folder": "folder as of viam dataset export"}
)


def show_list(visit: Visit) -> tuple[str, dict[str, object]]:
    """The datasets of all organizations."""
    store, owners = visit.store, visit.organizations
    rows = [
        {
            "id": dataset.id,
            "name": dataset.name,
            "type": "sequence" if dataset.type is DatasetType.SEQUENCE_DATA else "binary",
            "owner": owners.get(dataset.organization_id, dataset.organization_id),
            "created": dataset.time_created,
            "count": len(sequences_in(store, dataset))
            if dataset.type is DatasetType.SEQUENCE_DATA
            else store.binary_totals(_members(dataset)).records,
        }
        for dataset in store.all_datasets()
    ]
    return "datasets.html", {"rows": rows}


def _members(dataset: Dataset) -> Query:
    return Query(dataset_id=dataset.id, include_internal=True)


def show_dataset(visit: Visit) -> tuple[str, dict[str, object]]:
    """One dataset: its files with labels, or its sequences with exports."""
    dataset = _dataset(visit)
    if dataset.type is DatasetType.SEQUENCE_DATA:
        return "dataset_of_sequences.html", {
            "dataset": dataset,
            "sequences": sequences_in(visit.store, dataset),
            "jobs": jobs_of(visit, dataset.id),
            "has_parquet": is_available(),
        }
    labels: Counter[str] = Counter()
    labelled = total = pictures = 0
    for record in _records(visit, dataset):
        found = {box.label for box in record.boxes}
        found |= {each.label for each in record.classifications if each.label} | set(record.tags)
        labels.update(found)
        labelled += bool(found)
        total += 1
        pictures += record.mime_type.startswith("image/")
    first = visit.store.binary_page(_members(dataset), after=None, limit=PAGE, descending=True)
    return "dataset.html", {
        "dataset": dataset,
        "total": total,
        "labelled": labelled,
        "labels": labels.most_common(),
        "least": LEAST_OF_A_LABEL,
        "share": LEAST_LABELLED,
        "images": LEAST_IMAGES,
        "pictures": pictures,
        "forms": _FORMS,
        "cards": cards_of(visit.cloud, first.records),
    }


def _dataset(visit: Visit) -> Dataset:
    dataset = visit.store.dataset(visit.path)
    if dataset is None:
        raise HttpProblem(
            404, f"there is no dataset {visit.path!r}", hint="it may have been deleted"
        )
    return dataset


def _records(visit: Visit, dataset: Dataset) -> Iterator[BinaryRecord]:
    after = None
    while True:
        page = visit.store.binary_page(_members(dataset), after=after, limit=1000, descending=False)
        yield from page.records
        if len(page.records) < 1000:
            return
        after = page.last


# Exports -----------------------------------------------------------------------------------------


async def export(visit: Visit) -> Response:
    """A dataset as a zip archive, in the formats of `fakeviam export` and of Viam's exports."""
    dataset = _dataset(visit)
    form = visit.query.get("format", "")
    forms = ("parquet",) if dataset.type is DatasetType.SEQUENCE_DATA else tuple(_FORMS)
    if form not in forms:
        raise HttpProblem(422, f"format must be {' or '.join(forms)}", field="format", value=form)
    # In a thread, from an immutable view: large exports take seconds.
    store = visit.store.view()
    if form == "parquet":
        if not is_available():
            raise HttpProblem(501, "Parquet files need pyarrow", hint="install fakeviam[parquet]")
        until = visit.cloud.visible_until(visit.cloud.clock.now())
        content = await in_thread(
            partial(file_of, store, sequences_in(store, dataset), until=until)
        )
    else:
        ids = [record.binary_data_id for record in _records(visit, dataset)]
        request = data.BinaryDataByIDsRequest(binary_data_ids=ids)
        files = [
            each.metadata for each in (visit.ask("BinaryDataByIDs", request).data if ids else ())
        ]
        content = await asyncio.to_thread(_archive, form, files, store)
    return zipped(content, f"{dataset.name}-{form}")


def _archive(form: str, files: list[data.BinaryMetadata], store: Store) -> bytes:
    from fakeviam.exchange import FORMATS  # noqa: PLC0415 - few export
    from fakeviam.exchange.exporting import export_all  # noqa: PLC0415

    with TemporaryDirectory(prefix="fv-export-") as folder:
        place = Path(folder) / "dataset"
        contents = ((each, store.read(each.id)) for each in files)
        export_all(place, FORMATS[form], contents)
        return Path(make_archive(str(Path(folder) / "all"), "zip", place)).read_bytes()
