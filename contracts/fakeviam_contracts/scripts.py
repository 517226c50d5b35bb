"""Failures as scripts that anybody can run.

A script makes the same calls again, looks at what was answered wrongly, prints the difference and
exits with 1; it exits with 0 once the failure is gone. What to look at says a lens; for claims that
have none the answers as a whole are compared.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam import wire
from fakeviam.wire import data, datasync
from fakeviam.wire.values import mapping_from
from fakeviam_contracts import script_helpers
from fakeviam_contracts.assertions import AnyError, AnyOf
from fakeviam_contracts.formatting import LONGEST
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.lenses import Lens, lens
from fakeviam_contracts.rendering import Names, plain
from fakeviam_contracts.results import OWN
from fakeviam_contracts.script_template import FLAVOURS, TEMPLATE
from fakeviam_contracts.subject import CLOCK, PARTS, SEED
from fakeviam_contracts.wirelog import WAIT, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from google.protobuf.message import Message

    from fakeviam_contracts.results import Finding, Result
    from fakeviam_contracts.wirelog import Recorded

__all__ = ["FLAVOURS", "script", "write_all"]

_PAGED = ("BinaryDataByFilter", "TabularDataByFilter")

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
    """There is nothing that a script could do."""


class _Writer:
    """Writes one script."""

    def __init__(self, finding: Finding, result: Result) -> None:
        self._finding, self._result = finding, result
        self._calls = finding.calls
        self._names = Names(finding.component)
        self._first = _loop_start(self._calls)
        self._learned = _learned_times(self._calls)

    def text(self, flavour: str) -> str:
        """The whole script."""
        self._use_times()
        self._learn_all()
        lens_ = lens(self._finding.claim.what, self._calls[-1].rpc, self._most())
        if lens_ is not None and self._shows(lens_):
            lines = [*self._last(lens_), f"return {self._comparison(lens_)}"]
        else:
            lines = [*self._lines(len(self._calls)), *self._whole()]
        return TEMPLATE.format(
            about=self._about(),
            imports=FLAVOURS[flavour],
            methods=self._methods() if flavour == "grpc" else "",
            helpers=_helpers(),
            scoped=bool(self._finding.component),
            own=self._own(),
            clock=self._clock(),
            part=repr(next(iter(self._parts()), "").partition(":")[0]),
            program="\n".join(f"    {line}" for line in lines),
        )

    # The program -------------------------------------------------------------------------

    def _lines(self, end: int) -> list[str]:
        """The calls up to `end`, each with a name if something later uses its answer."""
        self._names.ids = {name: [] for name in self._names.ids}
        self._names.tokens = {}
        said = []
        for at, call in enumerate(self._calls[:end]):
            said.append(self._said(call))
            self._learn(at, call)
        whole = end == len(self._calls)
        rest = [] if whole else [self._said(self._calls[-1])]
        later = " ".join([*said, *rest, *self._names.times.values()])
        lines = []
        for at, (call, text) in enumerate(zip(self._calls, said, strict=False)):
            maker = _maker(call)
            named = maker or whole or re.search(rf"\br{at}\b", later)
            lines.append(f"r{at} = {text}" if named and call.rpc != WAIT else text)
            if maker:
                lines.append(f"keep({maker[0]}, r{at}, {maker[1]!r})")
        return lines

    def _said(self, call: Recorded) -> str:
        if call.rpc == WAIT:
            return f"await wait({_seconds(call)})"
        text = self._call(call)
        # What went well must go well again, or the rest says nothing.
        well = not isinstance(call.answer, Refused) and call is not self._calls[-1]
        return f"done({text})" if well else text

    def _call(self, call: Recorded) -> str:
        if _METHODS[call.rpc].client_streaming:
            messages = ",\n        ".join(map(self._names.message, call.requests))
            return f"await stream({call.rpc!r}, [\n        {messages}\n    ])"
        return f"await call({call.rpc!r}, {self._names.message(call.requests[0])})"

    def _learn(self, at: int, call: Recorded) -> None:
        maker = _maker(call)
        if maker is not None:
            self._names.ids[maker[0]].append(getattr(call.answer, maker[1]))
        token = getattr(call.answer, "last", "")
        if token:
            self._names.tokens.setdefault(token, f"r{at}.last")

    def _learn_all(self) -> None:
        for at, call in enumerate(self._calls[: self._first]):
            self._learn(at, call)

    def _use_times(self) -> None:
        """Call times that the expectation holds, and the subject chose, after their replies."""
        numbers = set(map(int, re.findall(r"\b\d{10,}\b", repr(self._finding.claim.expected))))
        self._names.times = {
            time: f"nanos(r{at}.data[0].metadata.time_requested)"
            for time, at in self._learned.items()
            if time in numbers
        }

    # The comparison ----------------------------------------------------------------------

    def _last(self, seen: Lens) -> list[str]:
        """All calls; at the end the one that showed it, or the pages of which it was one."""
        last = self._calls[-1]
        if last.rpc in _PAGED and not _counts_only(last) and "pages" in seen.expression:
            lines = self._lines(self._first)
            request = self._names.message(self._calls[self._first].requests[0])
            return [*lines, f"pages = await follow({last.rpc!r}, {request})", "reply = pages[-1]"]
        lines = self._lines(len(self._calls) - 1)
        return [*lines, f"pages = [{self._call(last)}]", "reply = pages[-1]"]

    def _comparison(self, seen: Lens) -> str:
        """What to look at, and whether that is as it should be."""
        claim = self._finding.claim
        if seen.truth:
            return f"{seen.expression}, lambda seen: seen is True"
        if isinstance(claim.expected, AnyError):
            return f'{seen.expression}, lambda seen: seen not in ("OK", "INTERNAL")'
        values = claim.expected.values if isinstance(claim.expected, AnyOf) else [claim.expected]
        allowed = ", ".join(self._names.literal(_sorted(seen, plain(v))) for v in values)
        return f"{seen.expression}, lambda seen: seen in [{allowed}]"

    def _whole(self) -> list[str]:
        """All that was answered since things were made: wrong for as long as it stays the same."""
        makers = [at for at, call in enumerate(self._calls) if _maker(call)]
        start = makers[-1] if makers else 0
        chosen = [at for at in range(start, len(self._calls)) if self._calls[at].rpc != WAIT]
        space = self._space()
        seen = space["told"]([_answer(space, self._calls[at]) for at in chosen])
        replies = ", ".join(f"r{at}" for at in chosen)
        return [
            "# No short expression shows it: the answers are wrong if they are still these.",
            f"wrong = {seen!r}",
            f"return told([{replies}]), lambda seen: seen != wrong",
        ]

    def _space(self) -> dict[str, Any]:
        """The helpers of a script, knowing what the recorded program had sent and made."""
        space: dict[str, Any] = {}
        exec(_helpers(), space)  # noqa: S102 - our own text
        space["SCOPE"] = self._finding.component
        for name, ids in self._names.ids.items():
            space[name].extend(ids)
        for call in self._calls:
            for request in call.requests if call.rpc != WAIT else ():
                space["SENT"].update(space["inside"](request))
        return space

    def _shows(self, seen: Lens) -> bool:
        """Whether the lens sees in the recorded replies what the claim says was observed."""
        space = self._space()
        replies = [_answer(space, call) for call in self._calls[self._first :]]
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
        interpretation = Interpretation.named(self._result.policy)
        request: Any = self._calls[self._first].requests[:1]
        asked = getattr(request[0], "data_request", None) if request else None
        limit = asked.limit if asked is not None else 0
        largest = interpretation.largest_page
        if interpretation.large_binary_limit and getattr(request[0], "include_binary", False):
            largest = interpretation.large_binary_limit
        return min(limit or 50, largest)

    # What it needs -----------------------------------------------------------------------

    def _own(self) -> str:
        """How to make the fake that it was found on; None for a server elsewhere."""
        if self._result.subject != OWN:
            return "None"
        own = {"policy": self._result.policy, "seed": SEED, "clock": CLOCK, "parts": PARTS}
        return repr(own)

    def _clock(self) -> str:
        """What the clock must say, if it matters: whole days are counted from today."""
        counted = any(
            getattr(call.requests[0], "delete_older_than_days", 0)
            for call in self._calls
            if call.requests
        )
        return repr(CLOCK) if counted and self._result.subject == OWN else '""'

    def _parts(self) -> list[str]:
        """The parts it uploads for, and where they are, as far as the answers say."""
        found: dict[str, str] = {}
        for call in self._calls:
            for message in (*call.requests, call.answer):
                for part, where in _places(message):
                    if where or part not in found:
                        found[part] = where
        return [f"{part}{where}" for part, where in found.items()]

    # The rest ----------------------------------------------------------------------------

    def _about(self) -> str:
        finding, result = self._finding, self._result
        where = "any server" if finding.component else "a server that holds nothing yet"
        versions = ", ".join(f"{name} {number}" for name, number in result.versions.items())
        lines = [
            f"Shows a broken contract: {', '.join(finding.clauses)}.",
            "",
            f"What:      {finding.claim.what}",
            f"Expected:  {_shortened(finding.claim.expected)}",
            f"Observed:  {_shortened(finding.claim.observed)}",
            f"Found by:  {finding.name}, seed {result.seed}, read as {result.policy}",
            f"Against:   {result.subject}",
            f"Versions:  {versions}",
            f"Needs:     {where}",
            *(f"           part {part}" for part in self._parts()),
            "",
            *(f"    {step}" for step in finding.steps),
        ]
        text = "\n".join(lines)
        return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')

    def _methods(self) -> str:
        always = (
            "BinaryDataByIDs",
            "FileUpload",
            "DeleteBinaryDataByIDs",
            "DeleteDataset",
            "Authenticate",
            *_PAGED,
        )
        used = dict.fromkeys([*(call.rpc for call in self._calls if call.rpc != WAIT), *always])
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


def _seconds(call: Recorded) -> float:
    """How long a wait was."""
    return float(mapping_from(call.requests[0])["seconds"])  # type: ignore[arg-type]


def _answer(space: dict[str, Any], call: Recorded) -> Any:
    """An answer as the script would have it."""
    if isinstance(call.answer, Refused):
        return space["Refusal"](call.answer.status, call.answer.text)
    return call.answer


def _places(message: Message | Refused) -> Iterator[tuple[str, str]]:
    """Parts that a message names, and where they are if it says so."""
    if isinstance(message, datasync.FileUploadRequest | datasync.DataCaptureUploadRequest):
        yield message.metadata.part_id, ""
    elif isinstance(message, datasync.StreamingDataCaptureUploadRequest):
        yield message.metadata.upload_metadata.part_id, ""
    elif isinstance(message, data.BinaryDataByIDsResponse | data.BinaryDataByFilterResponse):
        for entry in message.data:
            at = entry.metadata.capture_metadata
            where = f"{at.part_name!r} of robot {at.robot_name!r} ({at.robot_id})"
            place = f"location {at.location_id}, organization {at.organization_id}"
            yield at.part_id, f": {where}, {place}"


def _shortened(value: Any) -> str:
    """A value as text, cut where it is very long."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def _helpers() -> str:
    return inspect.getsource(script_helpers).partition("# What follows goes into the scripts.\n")[2]


def _sorted(seen: Lens, value: Any) -> Any:
    """The value in the order that the lens gives it."""
    if seen.expression.startswith("in_order(") and isinstance(value, list):
        return sorted(value, key=repr)
    return value
