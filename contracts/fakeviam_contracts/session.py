"""One run against a subject: the wire, the model, and which server id is which handle."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.wire import data
from fakeviam.wire.times import timestamp_from
from fakeviam_contracts.assertions import (
    AnyError,
    AnyOf,
    Assertion,
    ContractBrokenError,
    ProgramEndedError,
)
from fakeviam_contracts.clauses import binding, rules
from fakeviam_contracts.descriptions import LABEL, binary_id
from fakeviam_contracts.interpretation import CLAUSES, RELIED_ON
from fakeviam_contracts.model import FilterSpec, ReferenceModel
from fakeviam_contracts.newest import NEWEST
from fakeviam_contracts.places import Handles, Place
from fakeviam_contracts.steps import Step
from fakeviam_contracts.wirelog import NotServedError, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fakeviam_contracts.interpretation import Interpretation
    from fakeviam_contracts.wirelog import Wire


class Ground(NamedTuple):
    """Why a request may be refused.

    Attributes:
        clause: The clause that calls it an error.
        status: The status that we expect.
        names_status: The clause that names the status, if that is another one.
        point: The open point that decides whether it is an error, if one does.
        refusing: What that point is where it is an error.
        accepting: What that point is where it is none.
    """

    clause: str
    status: str = "INVALID_ARGUMENT"
    names_status: str = ""
    point: str = ""
    refusing: str = "refuse"
    accepting: str = ""


def _check_served(rpc: str, answer: Refused) -> None:
    """Stop where a server says that it does not have one of the newest RPCs.

    Raises:
        NotServedError: It says so.
    """
    if answer.status == "UNIMPLEMENTED" and rpc in NEWEST:
        raise NotServedError(f"{rpc} is not served: {answer.text or answer.status}")


def permission(clause: str) -> Ground:
    """What we expect to be accepted, though no document says that it must be."""
    return Ground(clause, refusing="")


class Session:
    """Does things to subject and model alike, and compares.

    Attributes:
        comparisons: How often each clause was compared.
        differences: What differs from our interpretation, or is muted; by clause and kind.
        muted: Failures that are known already and do not end a program.
        tolerant: Whether a program that cannot go on just ends.
    """

    def __init__(
        self,
        wire: Wire,
        place: Place,
        interpretation: Interpretation,
        muted: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        """Work in `place` under `interpretation`."""
        self.wire = wire
        self.place = place if place.advance is None else replace(place, advance=self._advance)
        self._clock = place.advance
        self.model = ReferenceModel(interpretation)
        self.handles = Handles()
        self.comparisons: Counter[str] = Counter()
        self.differences: dict[tuple[str, str], Assertion] = {}
        self.muted = muted
        #: What was done, at the level of `reads` and `writes`, and the assertion that ended it.
        self.steps: list[Step] = []
        self.broken: Assertion | None = None
        self.inside = False
        self.tolerant = False
        #: The comparison that ended a program, since the rest rests on it.
        self.ended_by = ""
        #: Why something was not done, for the sake of what others have on the subject.
        self.left_out = ""
        #: What the API key may not do, and so ended a check.
        self.may_not = ""

    @property
    def unfinished(self) -> str:
        """Why not all was done that the program does; empty if it was."""
        ended = f"the program cannot go on after: {self.ended_by}" if self.ended_by else ""
        return self.left_out or self.may_not or ended

    @property
    def interpretation(self) -> Interpretation:
        """What the subject is expected to be, and was seen to be."""
        return self.model.interpretation

    def _advance(self, nanos: int) -> None:
        """Move the subject's clock, which is a step too."""
        self.begin_step("wait", (nanos,), {})
        if self._clock is not None:
            self._clock(nanos)
            self.wire.waited(nanos)

    def begin_step(self, name: str, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        """Record a step that begins now."""
        self.steps.append(Step(name, args, kwargs, self.handles.counts))

    # Comparing ---------------------------------------------------------------------------

    def expect(
        self,
        clause: str,
        what: str,
        expected: object,
        observed: object,
        *,
        legal: bool = False,
        cause: str = "",
    ) -> bool:
        """Compare; the answer says whether it holds.

        Args:
            clause: The clause that this tests.
            what: What is compared.
            expected: What the clause demands.
            observed: What the subject did.
            legal: Whether the documents allow what was observed all the same.
            cause: The field of a filter that goes wrong by itself, if it is one.

        Raises:
            ContractBrokenError: It does not hold, and the clause binds.
            MayNotError: It does not hold, for the sake of the API key.
        """
        if expected != observed and (expected == "OK" or clause in binding()):
            self.wire.check_permission()
        self.comparisons[clause] += 1
        if expected == observed:
            return True
        assertion = Assertion(clause, what, expected, observed, legal, cause)
        if not legal and clause in binding() and assertion.kind not in self.muted:
            self.broken = assertion
            raise ContractBrokenError(assertion)
        self.differences.setdefault(assertion.kind, assertion)
        return False

    def require(self, clause: str, what: str, expected: object, observed: object) -> None:
        """Compare what the rest of the program needs.

        Raises:
            ContractBrokenError: It does not hold, and the clause binds.
            ProgramEndedError: It does not hold, which is known or allowed.
        """
        if not self.expect(clause, what, expected, observed):
            raise ProgramEndedError(what)

    def expect_all(self, clauses: Mapping[str, str], expected: Any, observed: Any, of: str) -> bool:
        """Compare aspects of a thing, each by its own clause; quick where all agree."""
        if expected == observed:
            self.comparisons.update(clauses[name] for name in expected)
            return True
        satisfied = [
            self.expect(clauses[name], f"{name} of {of}", expected[name], observed[name])
            for name in expected
        ]
        return all(satisfied)

    def choose(
        self, point: str, what: str, candidates: Mapping[Any, Any], observed: object, clause: str
    ) -> None:
        """Compare with what each alternative of an open point demands.

        Args:
            point: The open point, a field of the interpretation.
            what: What is compared.
            candidates: What is demanded, by each value of the point.
            observed: What the subject did.
            clause: The clause that demands one of them.

        Raises:
            ContractBrokenError: None of them holds.
        """
        expected = candidates[getattr(self.interpretation, point)]
        legal = AnyOf(*candidates.values())
        if legal != observed:
            self.expect(clause, what, legal if len(candidates) > 1 else expected, observed)
            return
        self.comparisons[clause] += clause != CLAUSES[point]
        if not all(value == expected for value in candidates.values()):
            # Another answer is legal, except where clients rely on this one.
            legal_here = CLAUSES[point] not in RELIED_ON
            if not self.expect(CLAUSES[point], what, expected, observed, legal=legal_here):
                value = next(v for v, demanded in candidates.items() if demanded == observed)
                self.learn(**{point: value})

    def learn(self, **points: Any) -> None:
        """Expect from now on what the subject was seen to do."""
        self.model.interpretation = replace(self.interpretation, **points)

    # Outcomes of calls -------------------------------------------------------------------

    def answered(self, clause: str, rpc: str, answer: object) -> Any:
        """The answer of a call that must succeed; success alone proves nothing."""
        if isinstance(answer, Refused):
            _check_served(rpc, answer)
            self.require(clause, f"status of {rpc}", "OK", str(answer))
        return answer

    def outcome(
        self, success: str, rpc: str, answer: object, grounds: Sequence[Ground] = ()
    ) -> Any | None:
        """The answer of a call that was accepted, or None if it was refused, rightly or legally.

        Several things may be wrong at once; which of them a server names is its business.

        Args:
            success: The clause by which it must be accepted if there are no grounds.
            rpc: The call.
            answer: What came back.
            grounds: Why it must be refused, or may be.

        Raises:
            ContractBrokenError: It was accepted against a binding clause, or refused.
        """
        must = [ground for ground in grounds if self._refuses(ground)]
        what = f"status of {rpc}"
        if not isinstance(answer, Refused):
            self.comparisons.update(ground.clause for ground in grounds if ground not in must)
            for ground in sorted(must, key=lambda g: g.clause not in binding()):
                self.expect(ground.clause, what, AnyError(), "OK", legal=bool(ground.point))
                if ground.accepting:
                    self.learn(**{ground.point: ground.accepting})
            return answer
        _check_served(rpc, answer)
        if not grounds:
            self.require(success, what, "OK", str(answer))
        elif not must:
            ground = grounds[0]
            self.expect(ground.clause, what, "OK", str(answer), legal=True)
            if ground.point:
                self.learn(**{ground.point: ground.refusing})
        else:
            self._check_status(what, answer, must)
        return None

    def _refuses(self, ground: Ground) -> bool:
        """Whether we expect the ground to be one, and not just allow it."""
        if not ground.point:
            return bool(ground.refusing)
        return bool(getattr(self.interpretation, ground.point) == ground.refusing)

    def _check_status(self, what: str, answer: Refused, must: Sequence[Ground]) -> None:
        first = must[0]
        if len({ground.clause for ground in must}) == 1:
            self.expect(first.clause, what, AnyError(), answer.status)
        statuses = list(dict.fromkeys(ground.status for ground in must))
        clause = first.names_status or first.clause
        is_named = first.status in rules()[clause].clause.text
        if clause in binding() and not is_named:
            return
        expected = AnyOf(*statuses) if len(statuses) > 1 else statuses[0]
        self.expect(clause, what, expected, answer.status)

    # Asking ------------------------------------------------------------------------------

    def within(self, spec: FilterSpec) -> FilterSpec:
        """The question, kept inside the place."""
        return replace(spec, component_name=self.place.component) if self.place.component else spec

    def filter(self, spec: FilterSpec) -> data.Filter:
        """The filter message of a question."""
        message = data.Filter(
            component_name=spec.component_name,
            component_type=spec.component_type,
            method=spec.method,
            robot_name=spec.robot_name,
            robot_id=spec.robot_id,
            part_name=spec.part_name,
            part_id=spec.part_id,
            location_ids=spec.location_ids,
            organization_ids=spec.organization_ids,
            mime_type=spec.mime_types,
            bbox_labels=spec.box_labels,
            dataset_id="" if spec.dataset is None else self.handles.datasets[spec.dataset],
        )
        if spec.start is not None:
            message.interval.start.CopyFrom(timestamp_from(spec.start))
        if spec.end is not None:
            message.interval.end.CopyFrom(timestamp_from(spec.end))
        if not (spec.tag_rule or spec.tags or spec.label_of):
            return message
        types = {
            "": data.TAGS_FILTER_TYPE_MATCH_BY_OR,
            "unspecified": data.TAGS_FILTER_TYPE_UNSPECIFIED,
            "or": data.TAGS_FILTER_TYPE_MATCH_BY_OR,
            "tagged": data.TAGS_FILTER_TYPE_TAGGED,
            "untagged": data.TAGS_FILTER_TYPE_UNTAGGED,
        }
        message.tags_filter.type = types[spec.tag_rule]
        message.tags_filter.tags.extend(spec.tags)
        message.tags_filter.tags.extend(LABEL + self.handles.datasets[d] for d in spec.label_of)
        return message

    def names(self, files: Iterable[int], form: str) -> dict[str, Any]:
        """The id fields of a request for files: `string`, `message` or `both` forms (ID-1)."""
        ids = [self.handles.files[handle] for handle in files]
        messages = [binary_id(text) for text in ids]
        if form == "string":
            return {"binary_data_ids": ids}
        if form == "message":
            return {"binary_ids": messages}
        return {"binary_ids": messages, "binary_data_ids": ids}
