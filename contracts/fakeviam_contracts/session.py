"""One run of a program on a subject: the wire, the model, and the mapping of ids to handles."""

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
    NotTakenError,
    ProgramEndedError,
)
from fakeviam_contracts.awkward_values import AWKWARD, NAME
from fakeviam_contracts.clauses import binding, rules
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.descriptions import LABEL, binary_id
from fakeviam_contracts.interpretation import CLAUSES, RELIED_ON
from fakeviam_contracts.model import FilterSpec, ReferenceModel
from fakeviam_contracts.newest import NOT_REQUIRED
from fakeviam_contracts.places import Handles, Place
from fakeviam_contracts.steps import Step
from fakeviam_contracts.unusual import READINGS, REFUSALS, TEXTS, doubt
from fakeviam_contracts.wirelog import NotServedError, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fakeviam_contracts.interpretation import Interpretation
    from fakeviam_contracts.wirelog import Wire


class Ground(NamedTuple):
    """A reason why a request may be refused.

    Attributes:
        clause: The clause that makes it an error.
        status: The expected status.
        names_status: The clause that specifies the status, if it is another one.
        point: The disputed point that decides whether it is an error, if there is one.
        refusing: The value of that point that makes it an error.
        accepting: The value of that point that does not.
    """

    clause: str
    status: str = "INVALID_ARGUMENT"
    names_status: str = ""
    point: str = ""
    refusing: str = "refuse"
    accepting: str = ""


def _check_served(rpc: str, answer: Refused) -> None:
    """End the check if the server does not implement an RPC that it need not.

    Raises:
        NotServedError: It does not.
    """
    if answer.status == "UNIMPLEMENTED" and rpc in NOT_REQUIRED:
        raise NotServedError(f"{rpc} is not served: {answer.text or answer.status}")


def permission(clause: str) -> Ground:
    """Something that we expect to be accepted, although no document requires it."""
    return Ground(clause, refusing="")


class Session:
    """Applies calls to the subject and the model, and compares.

    Attributes:
        comparisons: How often each clause was compared.
        differences: Differences from our interpretation, and muted ones, by clause and kind.
        muted: Known failures, which do not end a program.
        tolerant: Whether a program that cannot continue ends without an error.
    """

    def __init__(
        self,
        wire: Wire,
        place: Place,
        interpretation: Interpretation,
        muted: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        """Run in `place`, and expect `interpretation`."""
        self.wire = wire
        self.wire.settle = self._settle
        self.place = place if place.advance is None else replace(place, advance=self._advance)
        self._clock = place.advance
        self.model = ReferenceModel(interpretation)
        self.handles = Handles()
        self.comparisons: Counter[str] = Counter()
        self.differences: dict[tuple[str, str], Assertion] = {}
        self.muted = muted
        #: The steps so far, as functions of `reads` and `writes`, and the broken assertion.
        self.steps: list[Step] = []
        self.broken: Assertion | None = None
        self.inside = False
        self.tolerant = False
        #: The comparison that ended the program, because later steps depend on it.
        self.ended_by = ""
        #: Why a step was skipped, to protect foreign data.
        self.left_out = ""
        #: What the API key does not permit, which ended a check.
        self.may_not = ""
        #: What the subject did not take, and need not: later steps may miss it.
        self.not_taken = ""
        #: Whether that was for a name or a reading that is easily mangled, and to use none.
        self.is_strict = self.plain = False

    @property
    def unfinished(self) -> str:
        """Why the program did not do everything; empty if it did."""
        ended = f"the program cannot go on after: {self.ended_by}" if self.ended_by else ""
        return self.left_out or self.may_not or ended

    @property
    def interpretation(self) -> Interpretation:
        """The interpretation that is expected or was observed."""
        return self.model.interpretation

    @property
    def name(self) -> str:
        """A name that is easily mangled, or a plain one."""
        return "strange" if self.plain else NAME

    @property
    def awkward(self) -> tuple[str, ...]:
        """Values that look alike, or plain ones."""
        return AWKWARD[:2] if self.plain else AWKWARD

    def _settle(self) -> None:
        """Wait as long as it takes on this subject until uploads are seen (A55)."""
        if self.interpretation.visibility and self.place.sleep is not None:
            self.place.sleep(self.interpretation.visibility * 1_000_000_000)

    def _advance(self, nanos: int) -> None:
        """Advance the subject's clock, as a step."""
        self.begin_step("wait", (nanos,), {})
        if self._clock is not None:
            self._clock(nanos)
            self.wire.waited(nanos)

    def restart(self) -> None:
        """Restart the subject, as a step; what was acknowledged stays.

        Raises:
            CannotRunError: Nobody said how.
        """
        if self.place.restart is None:
            raise CannotRunError(
                "the failure shows after a restart, and nobody said how to restart the server; "
                "--restart COMMAND does"
            )
        self.begin_step("restart", (), {})
        self.place.restart()

    def begin_step(self, name: str, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        """Record the start of a step."""
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
        """Compare, and return whether the claim holds.

        Args:
            clause: The tested clause.
            what: A description of what is compared.
            expected: What the clause requires.
            observed: What the subject did.
            legal: Whether the documents permit the observed value nevertheless.
            cause: The field of a filter that is wrong by itself, if there is one.

        Raises:
            ContractBrokenError: It does not hold, and the clause is binding.
            MayNotError: It does not hold because of the API key's permissions.
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
        """Compare something that the rest of the program depends on.

        Raises:
            ContractBrokenError: It does not hold, and the clause is binding.
            ProgramEndedError: It does not hold, which is known or permitted.
        """
        if not self.expect(clause, what, expected, observed):
            raise ProgramEndedError(what)

    def expect_all(self, clauses: Mapping[str, str], expected: Any, observed: Any, of: str) -> bool:
        """Compare several aspects, each by its own clause; fast if all are equal."""
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
        """Compare with the alternatives of a disputed point.

        Args:
            point: The disputed point, a field of the interpretation.
            what: A description of what is compared.
            candidates: The required value for each value of the point.
            observed: What the subject did.
            clause: The clause that requires one of them.

        Raises:
            ContractBrokenError: It equals none of them.
        """
        expected = candidates[getattr(self.interpretation, point)]
        legal = AnyOf(*candidates.values())
        if legal != observed:
            self.expect(clause, what, legal if len(candidates) > 1 else expected, observed)
            return
        self.comparisons[clause] += clause != CLAUSES[point]
        if not all(value == expected for value in candidates.values()):
            # Other values are permitted, unless clients rely on the expected one.
            legal_here = CLAUSES[point] not in RELIED_ON
            if not self.expect(CLAUSES[point], what, expected, observed, legal=legal_here):
                value = next(v for v, demanded in candidates.items() if demanded == observed)
                self.learn(**{point: value})

    def learn(self, **points: Any) -> None:
        """Expect the observed behaviour from now on."""
        self.model.interpretation = replace(self.interpretation, **points)

    # Outcomes of calls -------------------------------------------------------------------

    def answered(self, clause: str, rpc: str, answer: object) -> Any:
        """The reply of a call that must succeed; success alone proves nothing."""
        if isinstance(answer, Refused):
            _check_served(rpc, answer)
            what = f"status of {rpc}"
            if doubted := self._doubt(answer):
                self._is_not_taken(doubted, what, answer)
                raise NotTakenError(what)
            self.require(clause, what, "OK", str(answer))
        return answer

    def _doubt(self, answer: Refused) -> str:
        """The clause by which the last request is taken, if it need not be."""
        return doubt(self.wire.calls[-1].requests) if answer.status in REFUSALS else ""

    def _is_not_taken(self, clause: str, what: str, answer: Refused) -> None:
        self.not_taken = f"{what}: {answer}"
        self.is_strict = self.is_strict or clause in (TEXTS, READINGS)
        self.expect(clause, what, "OK", str(answer), legal=True)

    def outcome(
        self, success: str, rpc: str, answer: object, grounds: Sequence[Ground] = ()
    ) -> Any | None:
        """The reply of an accepted call; None if it was refused rightly or permissibly.

        If several things are wrong, the server may report any of them.

        Args:
            success: The clause that requires success if there are no grounds.
            rpc: The name of the RPC.
            answer: The reply or refusal.
            grounds: The reasons why it must or may be refused.

        Raises:
            ContractBrokenError: It was accepted or refused against a binding clause.
        """
        must = [ground for ground in grounds if self._refuses(ground)]
        what = f"status of {rpc}"
        if not isinstance(answer, Refused):
            self.comparisons.update(ground.clause for ground in grounds if ground not in must)
            if not must and (doubted := doubt(self.wire.calls[-1].requests)):
                self.comparisons[doubted] += 1
            for ground in sorted(must, key=lambda g: g.clause not in binding()):
                self.expect(ground.clause, what, AnyError(), "OK", legal=bool(ground.point))
                if ground.accepting:
                    self.learn(**{ground.point: ground.accepting})
            return answer
        _check_served(rpc, answer)
        if must:
            self._check_status(what, answer, must)
        elif doubted := self._doubt(answer):
            self._is_not_taken(doubted, what, answer)
        elif not grounds:
            self.require(success, what, "OK", str(answer))
        else:
            ground = grounds[0]
            self._is_not_taken(ground.clause, what, answer)
            if ground.point:
                self.learn(**{ground.point: ground.refusing})
        return None

    def _refuses(self, ground: Ground) -> bool:
        """Whether we expect a refusal for this ground, rather than only permitting it."""
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
        """The request, restricted to the place."""
        return replace(spec, component_name=self.place.component) if self.place.component else spec

    def filter(self, spec: FilterSpec) -> data.Filter:
        """The filter message of a filter in the model's terms."""
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
