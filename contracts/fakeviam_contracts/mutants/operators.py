"""Wrong servers: stages and operators of published queries. Random programs send none of these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grpclib.const import Status

from fakeviam_contracts.mutants.base import Mutant, on_request, refusing
from fakeviam_contracts.mutants.queried import MQL, operator_edit, renamed, stages_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.mutants.base import RequestEdit


def _without(name: str) -> Callable[[dict[str, object]], dict[str, Any]]:
    return lambda spec: {key: value for key, value in spec.items() if key != name}


def _refused(stage: str) -> RequestEdit:
    """Refuses a stage that the service lists."""

    def edit(message: object, _: object) -> None:
        if any(stage in each for each in stages_of(message)):
            refusing(Status.INVALID_ARGUMENT, f"{stage} is not served")()

    return edit


def _operator(name: str, operator: str, change: Callable[[Any], Any]) -> Mutant:
    return on_request(name, "MQ-1", operator_edit(operator, change), MQL)


_SELDOM = ("$bucket", "$bucketAuto", "$densify", "$fill", "$redact", "$replaceWith", "$sample",
           "$setWindowFields")  # fmt: skip

MUTANTS: tuple[Mutant, ...] = (
    *(on_request(f"does not serve {stage}", "MQ-1", _refused(stage), MQL) for stage in _SELDOM),
    _operator("truncates times in UTC alone", "$dateTrunc", _without("timezone")),
    _operator("truncates times to one unit", "$dateTrunc", _without("binSize")),
    _operator("writes times in UTC alone", "$dateToString", _without("timezone")),
    _operator("has one format of times", "$dateToString", lambda s: {**s, "format": "%Y-%m-%d"}),
    _operator("takes windows over everything", "$setWindowFields", _without("partitionBy")),
    _operator("looks ahead in windows", "$shift", lambda s: {**s, "by": -s["by"]}),
    _operator("has no positions of what was unwound", "$unwind",
              lambda s: s if isinstance(s, str) else _without("includeArrayIndex")(s)),
    _operator("takes lists of $cond backwards", "$cond",
              lambda v: [v[0], v[2], v[1]] if isinstance(v, list) else v),
    _operator("takes documents of $cond backwards", "$cond",
              lambda v: v if isinstance(v, list) else {**v, "then": v["else"], "else": v["then"]}),
    _operator("has the default for every case", "$switch",
              lambda s: {**s, "branches": [{"case": False, "then": 0}]}),
    _operator("has the first for every element", "$arrayElemAt", lambda v: [v[0], 0]),
    _operator("filters nothing", "$filter", lambda s: {**s, "cond": True}),
    _operator("minds case whatever is asked", "$options", lambda _: ""),
    _operator("matches elements of any kind", "$elemMatch", lambda _: {"$exists": True}),
    _operator("looks at two values of $in", "$in", lambda v: v[:2]),
    _operator("has one percentile", "$percentile", lambda s: {**s, "p": [0.9]}),
    *(on_request(f"takes {new} for {old}", "MQ-1", renamed(old, new), MQL)
      for old, new in (("$addToSet", "$push"), ("$round", "$trunc"), ("$floor", "$ceil"),
                       ("$minute", "$second"), ("$month", "$dayOfMonth"), ("$toUpper", "$toLower"),
                       ("$divide", "$multiply"))),
)  # fmt: skip
