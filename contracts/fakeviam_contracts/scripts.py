"""Failures as scripts that anybody can run.

A script does again what changed the server, asks again what was answered wrongly, prints the
difference and exits with 1; it exits with 0 once the failure is gone.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam import wire
from fakeviam_contracts import script_helpers
from fakeviam_contracts.claims import AnyError, AnyOf
from fakeviam_contracts.lenses import Lens, lens
from fakeviam_contracts.reading import Reading
from fakeviam_contracts.rendering import Names, plain
from fakeviam_contracts.script_template import FLAVOURS, TEMPLATE
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message

    from fakeviam_contracts.results import Finding, Result
    from fakeviam_contracts.wirelog import Recorded

__all__ = ["FLAVOURS", "script", "write_all"]

_PAGED = ("BinaryDataByFilter", "TabularDataByFilter")
_READS = (
    *_PAGED,
    "BinaryDataByIDs",
    "BoundingBoxLabelsByFilter",
    "ListDatasetsByIDs",
    "ListDatasetsByOrganizationID",
    "TagsByFilter",
)

#: Calls that make something, with the list that remembers it and the field that names it.
_MAKERS = MappingProxyType(
    {
        "DataCaptureUpload": ("FILES", "binary_data_id"),
        "FileUpload": ("FILES", "binary_data_id"),
        "StreamingDataCaptureUpload": ("FILES", "binary_data_id"),
        "AddBoundingBoxToImageByID": ("BOXES", "bbox_id"),
        "CreateDataset": ("DATASETS", "id"),
        "MergeDatasets": ("DATASETS", "dataset_id"),
    }
)
_METHODS = MappingProxyType({method.name: method for method in wire.methods()})


def write_all(result: Result, folder: Path, *, flavour: str = "grpc") -> None:
    """Write a script for each finding that one can show, and note its name in the finding."""
    for number, finding in enumerate(result.findings, start=1):
        slug = re.sub(r"\W+", "-", finding.name).strip("-")
        path = folder / f"failure-{number}-{slug}.py"
        with contextlib.suppress(NoScriptError):
            path.write_text(script(finding, result, flavour=flavour), encoding="utf-8")
            finding.script = str(path)


def script(finding: Finding, result: Result, *, flavour: str = "grpc") -> str:
    """The text of a script that shows a finding.

    Args:
        finding: What broke.
        result: The run it is of.
        flavour: `grpc` needs fakeviam and grpclib; `viam-sdk` needs viam-sdk.

    Raises:
        NoScriptError: No script can show it.
    """
    if not finding.calls:
        raise NoScriptError("nothing went over the wire")
    return _Writer(finding, result).text(flavour)


class NoScriptError(Exception):
    """What a claim compares cannot be said in a script's few words."""


class _Writer:
    """Writes one script."""

    def __init__(self, finding: Finding, result: Result) -> None:
        self._finding, self._result = finding, result
        self._calls = finding.calls
        self._names = Names(finding.component)
        self._first = _loop_start(self._calls)
        self._lines: list[str] = []
        self._learned = _learned_times(self._calls)

    def text(self, flavour: str) -> str:
        """The whole script."""
        names = set(self._used_times())
        for at, call in enumerate(self._calls[: self._first]):
            if call.rpc not in _READS or at in names:
                self._write_call(at, call)
            self._learn(call)
        last = self._calls[-1]
        if last.rpc in _PAGED and not _counts_only(last):
            request = self._names.message(self._calls[self._first].requests[0])
            self._lines.append(f"pages = await follow({last.rpc!r}, {request})")
        else:
            self._lines.append(f"pages = [{self._call(last)}]")
        self._lines.append("reply = pages[-1]")
        expression, expected = self._comparison()
        self._lines.append(f"return {expression}, {expected}")
        return TEMPLATE.format(
            about=self._about(),
            imports=FLAVOURS[flavour],
            methods=self._methods() if flavour == "grpc" else "",
            helpers=_helpers(),
            scoped=bool(self._finding.component),
            program="\n".join(f"    {line}" for line in self._lines),
        )

    # The program -------------------------------------------------------------------------

    def _write_call(self, at: int, call: Recorded) -> None:
        maker = _maker(call)
        if maker is None and call.rpc not in _READS:
            self._lines.append(self._call(call))
            return
        self._lines.append(f"r{at} = {self._call(call)}")
        if maker is not None:
            self._lines.append(f"keep({maker[0]}, r{at}, {maker[1]!r})")

    def _call(self, call: Recorded) -> str:
        if _METHODS[call.rpc].client_streaming:
            messages = ",\n        ".join(map(self._names.message, call.requests))
            return f"await stream({call.rpc!r}, [\n        {messages}\n    ])"
        return f"await call({call.rpc!r}, {self._names.message(call.requests[0])})"

    def _learn(self, call: Recorded) -> None:
        maker = _maker(call)
        if maker is not None:
            self._names.ids[maker[0]].append(getattr(call.answer, maker[1]))

    def _used_times(self) -> list[int]:
        """Which calls told times that the expectation holds."""
        numbers = set(map(int, re.findall(r"\b\d{10,}\b", repr(self._finding.claim.expected))))
        used = {time: at for time, at in self._learned.items() if time in numbers}
        self._names.times = {
            time: f"nanos(r{at}.data[0].metadata.time_requested)" for time, at in used.items()
        }
        return list(used.values())

    # The comparison ----------------------------------------------------------------------

    def _comparison(self) -> tuple[str, str]:
        """What to look at, and a list of what may be seen there."""
        claim = self._finding.claim
        seen = lens(claim.what, self._calls[-1].rpc, self._most())
        if seen is None or not self._shows(seen):
            raise NoScriptError(f"no script can show {claim.what!r}")
        if seen.truth:
            return seen.expression, "lambda seen: seen is True"
        if isinstance(claim.expected, AnyError):
            return seen.expression, 'lambda seen: seen not in ("OK", "INTERNAL")'
        values = claim.expected.values if isinstance(claim.expected, AnyOf) else [claim.expected]
        allowed = ", ".join(self._names.literal(_sorted(seen, plain(v))) for v in values)
        return seen.expression, f"lambda seen: seen in [{allowed}]"

    def _shows(self, seen: Lens) -> bool:
        """Whether the lens sees in the recorded replies what the claim says was observed."""
        space: dict[str, Any] = {"SCOPE": self._finding.component}
        exec(_helpers(), space)  # noqa: S102 - our own text
        space["SCOPE"] = self._finding.component
        for name, ids in self._names.ids.items():
            space[name].extend(ids)
        replies = [
            space["Refusal"](call.answer.status, call.answer.text)
            if isinstance(call.answer, Refused)
            else call.answer
            for call in self._calls[self._first :]
        ]
        space.update(pages=replies, reply=replies[-1])
        try:
            got = eval(seen.expression, space)  # noqa: S307 - our own text
        except (AttributeError, IndexError, KeyError):
            return False
        if seen.truth:
            return got is False
        observed = plain(self._finding.claim.observed)
        if seen.expression == "status(reply)":
            observed = str(observed).partition(":")[0]
        return bool(plain(got) == plain(_sorted(seen, observed)))

    def _most(self) -> int:
        reading = Reading.named(self._result.policy)
        request: Any = self._calls[self._first].requests[:1]
        asked = getattr(request[0], "data_request", None) if request else None
        limit = asked.limit if asked is not None else 0
        largest = reading.largest_page
        if reading.large_binary_limit and getattr(request[0], "include_binary", False):
            largest = reading.large_binary_limit
        return min(limit or 50, largest)

    # The rest ----------------------------------------------------------------------------

    def _about(self) -> str:
        finding, result = self._finding, self._result
        where = "any server" if finding.component else "a server that holds nothing yet"
        versions = ", ".join(f"{name} {number}" for name, number in result.versions.items())
        lines = [
            f"Shows a broken contract: {', '.join(finding.clauses)}.",
            "",
            f"What:      {finding.claim.what}",
            f"Expected:  {finding.claim.expected!r}",
            f"Observed:  {finding.claim.observed!r}",
            f"Found by:  {finding.name}, seed {result.seed}, read as {result.policy}",
            f"Against:   {result.subject}",
            f"Versions:  {versions}",
            f"Needs:     {where}, with the parts named below",
            "",
            *(f"    {step}" for step in finding.steps),
        ]
        text = "\n".join(lines)
        return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')

    def _methods(self) -> str:
        always = ("DeleteBinaryDataByIDs", "DeleteDataset", "Authenticate", *_PAGED)
        used = dict.fromkeys([*(call.rpc for call in self._calls), *always])
        rows = []
        for rpc in used:
            method = _METHODS[rpc]
            types = f"{self._names.type(method.request)}, {self._names.type(method.response)}"
            rows.append(f"    {rpc!r}: ({method.path!r}, {types}),")
        return "METHODS = {\n" + "\n".join(rows) + "\n}\n"


def _maker(call: Recorded) -> tuple[str, str] | None:
    """Where to remember what a call made, if it made something that is named by its id."""
    if isinstance(call.answer, Refused) or call.rpc not in _MAKERS:
        return None
    if call.rpc == "DataCaptureUpload":
        request: Any = call.requests[0]
        if any(content.HasField("struct") for content in request.sensor_contents):
            return None
    return _MAKERS[call.rpc]


def _loop_start(calls: list[Recorded]) -> int:
    """Where the pages begin that the last call is the last of."""
    at = len(calls) - 1
    while at > 0 and calls[at].rpc in _PAGED and _token(calls[at].requests[0]):
        at -= 1
    return at


def _token(request: Message) -> str:
    asked: Any = getattr(request, "data_request", None)
    return asked.last if asked is not None else ""


def _counts_only(call: Recorded) -> bool:
    return bool(getattr(call.requests[0], "count_only", False))


def _learned_times(calls: list[Recorded]) -> dict[int, int]:
    """Times that the subject chose, and the call that told them."""
    learned: dict[int, int] = {}
    for at, call in enumerate(calls):
        if call.rpc == "BinaryDataByIDs" and not isinstance(call.answer, Refused):
            reply: Any = call.answer
            if len(reply.data) == 1:
                time = script_helpers.nanos(reply.data[0].metadata.time_requested)
                learned.setdefault(time, at)
    return learned


def _helpers() -> str:
    return inspect.getsource(script_helpers).partition("# What follows goes into the scripts.\n")[2]


def _sorted(seen: Lens, value: Any) -> Any:
    """The value in the order that the lens gives it."""
    if seen.expression.startswith("in_order(") and isinstance(value, list):
        return sorted(value, key=repr)
    return value
