"""MongoDB's error codes for named operands, which differ from operator to operator."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class OperandCodes(NamedTuple):
    """The codes of one operator.

    Attributes:
        no_object: The operands are not a document.
        unknown: An operand has an unknown name.
        missing: A required operand is missing, by name.
    """

    no_object: int
    unknown: int
    missing: Mapping[str, int]


_PART = OperandCodes(40535, 40535, {"date": 40539})
_REGEX = OperandCodes(51103, 31024, {"input": 31022, "regex": 31023})
_REPLACE = OperandCodes(51751, 51750, {"input": 51749, "find": 51748, "replacement": 51747})
_TRIM = OperandCodes(50696, 50694, {"input": 50695})
_SET_FIELD = OperandCodes(4161100, 4161101, {"field": 4161102, "value": 4161103, "input": 4161109})

#: The default code, for other operators: FailedToParse.
USUAL = OperandCodes(9, 9, {})

CODES: Mapping[str, OperandCodes] = MappingProxyType(
    {
        "$dateFromParts": OperandCodes(40519, 40518, {}),
        "$dateFromString": OperandCodes(40540, 40541, {"dateString": 40542}),
        "$dateToParts": OperandCodes(40524, 40520, {"date": 40522}),
        "$dateToString": OperandCodes(18629, 18534, {"date": 18628}),
        "$filter": OperandCodes(28646, 28647, {"input": 28648, "cond": 28650}),
        "$getField": OperandCodes(3041700, 3041701, {"field": 3041702, "input": 3041703}),
        "$let": OperandCodes(16874, 16875, {"vars": 16876, "in": 16877}),
        "$map": OperandCodes(16878, 16879, {"input": 16880, "in": 16882}),
        "$median": OperandCodes(7436100, 40415, {"input": 40414, "method": 40414}),
        "$percentile": OperandCodes(7429703, 40415, dict.fromkeys(("input", "p", "method"), 40414)),
        "$reduce": OperandCodes(
            40075, 40076, {"input": 40077, "initialValue": 40078, "in": 40079}
        ),
        "$sortArray": OperandCodes(2942500, 2942501, {"input": 2942502, "sortBy": 2942503}),
        "$zip": OperandCodes(34460, 34464, {"inputs": 34465}),
        **dict.fromkeys(("$ltrim", "$rtrim", "$trim"), _TRIM),
        **dict.fromkeys(("$regexFind", "$regexFindAll", "$regexMatch"), _REGEX),
        **dict.fromkeys(("$replaceAll", "$replaceOne"), _REPLACE),
        **dict.fromkeys(("$setField", "$unsetField"), _SET_FIELD),
        **dict.fromkeys(
            (
                "$year", "$month", "$dayOfMonth", "$dayOfWeek", "$dayOfYear", "$hour", "$minute",
                "$second", "$millisecond", "$week", "$isoWeek", "$isoWeekYear", "$isoDayOfWeek",
            ),
            _PART,
        ),
    }
)  # fmt: skip
