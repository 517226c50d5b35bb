"""How cost grows with the number of records: figures and a plot."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from benchmarks.figures import Table
from benchmarks.queries import drawn, median_ms
from benchmarks.records import PAGE
from fakeviam.model.filters import Query
from fakeviam.store.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_ONE = Query(part_id="part-7", component_name="component-3")


def _costs(n: int) -> dict[str, float]:
    gc.disable()
    records = drawn(n)
    store = MemoryStore()
    store.add_binary([(record, b"") for record in records])
    names = iter([record.file_id for record in records[n // 2 :]])

    def page(query: Query) -> Callable[[], object]:
        return lambda: store.binary_page(query, after=None, limit=PAGE, descending=True)

    def anew() -> object:
        store._selections.clear()  # noqa: SLF001 - blocks keep answers by what is in there
        return store.binary_totals(_ONE)

    for _ in range(2):
        store.binary_totals(_ONE)
    found = {
        "page of 50, everything": median_ms(page(Query())),
        "page of 50, one component": median_ms(page(_ONE)),
        "count, asked anew": median_ms(anew),
        "count, asked again": median_ms(lambda: store.binary_totals(_ONE)),
        "fork": median_ms(store.fork),
        "tag one": median_ms(lambda: store.add_tags([next(names)], ["x"]), least=51, budget=0),
        "delete one": median_ms(lambda: store.delete_binary([next(names)]), least=51, budget=0),
    }
    gc.enable()
    return found


def measure(sizes: list[int]) -> Table:
    """The store's cost for each size."""
    table = Table(
        "How it grows",
        "Milliseconds of the memory store by the number of records.",
        ["what", *(f"{n:,}" for n in sizes)],
    )
    found = {n: _costs(n) for n in sizes}
    for name in found[sizes[0]]:
        table.rows.append([name, *(f"{found[n][name]:.3g}" for n in sizes)])
    table.raw.update({str(n): costs for n, costs in found.items()})
    return table


def plot(table: Table, path: Path) -> None:
    """Draw it, both axes logarithmic."""
    import matplotlib as mpl  # noqa: PLC0415 - slow, and only for this

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(8, 5))
    sizes = [int(n) for n in table.raw]
    for row in table.rows:
        axes.loglog(sizes, [table.raw[str(n)][row[0]] for n in sizes], marker="o", label=row[0])
    axes.set_xlabel("records")
    axes.set_ylabel("milliseconds")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
