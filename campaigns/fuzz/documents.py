"""JSON documents that are nearly right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from campaigns.dice import Dice

#: JSON texts of values that no field, or hardly one, takes.
HOSTILE = (
    *('"\\ud800"', '["\\ud800"]', '{"\\ud800": 1}', '"\\u0000"', '"a\\u0000b"', '"\U0001f916"'),
    *("1e400", "-1e400", "1e308", "9" * 5000, "-1", "0", "1.5", "NaN", "Infinity", "-0.0"),
    *("9223372036854775807", "9223372036854775808", "9007199254740993", "1e-400"),
    *('"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59.999999999-12:00"', '"99999-01-01"'),
    *('"2026-02-30"', '"2026-01-31T25:00:00Z"', '"2026-01-31"', '"P1D"', '"1d"', '"-1s"', '"1e9s"'),
    *("[" * 200 + "]" * 200, "null", "{}", "[]", "true", '""', '" "', '{"a": 1, "a": 2}'),
    *('"../../x"', '"/dev/zero"', '"~/x"', '"*"', '"**/*"', '"["', f'"{"x" * 3000}"'),
)

_MARK = "@@hostile@@"


def spoiled(dice: Dice, document: Any, words: list[str]) -> str:
    """The text of a document in which some values, keys or items are others."""
    document = json.loads(json.dumps(document))
    holder = {"": document}
    hostile: list[str] = []
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
        _spoil(dice, holder, words, hostile)
    text = json.dumps(holder[""])
    for each in hostile:
        text = text.replace(f'"{_MARK}"', each, 1)
    return text


def _spoil(dice: Dice, holder: Any, words: list[str], hostile: list[str]) -> None:
    places = list(_places(holder))
    place, key = dice.choice(places)
    kind = dice.randrange(6)
    if kind == 0 and place is not holder:
        del place[key]
    elif kind == 1 and place is not holder:
        other = dice.choice(places)
        place[key] = json.loads(json.dumps(other[0][other[1]]))
    elif kind == 2:
        place[key] = dice.choice(words) if words and dice.chance(0.7) else dice.text()
    elif kind == 3 and isinstance(place[key], dict):
        place[key][dice.choice(words) if words else dice.text()] = dice.integer(-(2**63), 2**64)
    elif kind == 4 and isinstance(place[key], list):
        place[key] *= dice.choice((0, 2, 30))
    else:
        place[key] = _MARK
        hostile.append(dice.choice(HOSTILE))


def _places(node: Any) -> Any:
    """Every place of a value, as what holds it and where."""
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in list(keys):
        yield node, key
        yield from _places(node[key])
