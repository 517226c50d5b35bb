"""All expression operators by name; the only module that imports every topic."""

from __future__ import annotations

from types import MappingProxyType

from fakeviam.query import accumulators
from fakeviam.query.expressions import Operators
from fakeviam.query.operators import arithmetic, arrays, dates, documents, logic, strings, types

OPERATORS = Operators(
    functions=MappingProxyType(
        accumulators.FUNCTIONS
        | arithmetic.FUNCTIONS
        | arrays.FUNCTIONS
        | documents.FUNCTIONS
        | logic.FUNCTIONS
        | strings.FUNCTIONS
        | types.FUNCTIONS
    ),
    named=MappingProxyType(
        accumulators.NAMED | arrays.NAMED | dates.NAMED | documents.NAMED | strings.NAMED
    ),
    special=MappingProxyType(
        arrays.SPECIAL
        | dates.SPECIAL
        | documents.SPECIAL
        | logic.SPECIAL
        | strings.SPECIAL
        | types.SPECIAL
    ),
)
