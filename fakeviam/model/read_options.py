"""How files of other programs are read: the options that `load` and `fakeviam seed` take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol

from fakeviam.model.checks import check_choice, check_type
from fakeviam.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable


class _Path(Protocol):
    """A path of any library."""

    def __fspath__(self) -> str: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """What a file does not say itself; each kind of file has a use for some of them.

    Attributes:
        images: The folder of the images; by default it is looked for beside the file.
        dataset: The dataset that the files go into; empty for none, by default as the file says.
        part: The part that captured them: a name, organization/location/robot/part, or an id.
        clip: Cut boxes off at the edge of their image instead of refusing them.
        delimiter: What separates the cells of a CSV file.
        time_format: The form of times, as Python's strptime takes it.
        time_unit: For times that are numbers since 1970: s, ms, us or ns.
    """

    images: str | _Path | None = None
    dataset: str | None = None
    part: str = ""
    clip: bool = False
    delimiter: str | None = None
    time_format: str | None = None
    time_unit: str | None = None

    def __post_init__(self) -> None:
        """Check the types.

        Raises:
            UsageError: A value is of another type, or cannot be meant.
        """
        if self.images is not None and not (
            isinstance(self.images, str) or hasattr(self.images, "__fspath__")
        ):
            raise UsageError(f"images must be the path of a folder, got {self.images!r}")
        check_type("clip", self.clip, bool)
        check_type("part", self.part, str)
        if self.time_unit is not None:
            check_choice("time_unit", self.time_unit, ("s", "ms", "us", "ns"))
        for name in ("dataset", "delimiter", "time_format"):
            if getattr(self, name) is not None:
                check_type(name, getattr(self, name), str)
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise UsageError(
                f"delimiter must be one character, such as ; or a tab, got {self.delimiter!r}"
            )

    @classmethod
    def of(
        cls, given: ReadOptions | Mapping[str, object] | None, *, name: str = "options"
    ) -> ReadOptions:
        """The options that are given by name, or as they are.

        Args:
            given: They.
            name: What the caller calls them, for the error.

        Raises:
            UsageError: There is no option of that name, or its value is no good.
        """
        if isinstance(given, ReadOptions):
            return given
        if given is None:
            return cls()
        if not isinstance(given, Mapping):
            message = f"{name} must be ReadOptions or a dict of them, got {given!r}"
            raise UsageError(message)
        known = [field.name for field in fields(cls)]
        for option in given:
            if option not in known:
                near = get_close_matches(str(option), known, n=1)
                hint = f"; did you mean {near[0]}?" if near else "."
                raise UsageError(
                    f"load has no option {option!r}{hint} There are {', '.join(known)}"
                )
        return cls(**given)  # type: ignore[arg-type]  # checked by __post_init__

    def check_useful(self, kind: str, useful: Iterable[str] = ()) -> None:
        """Refuse an option that a reader would ignore.

        Args:
            kind: What is read, such as "a COCO file".
            useful: The options that its reader looks at.

        Raises:
            UsageError: Another option is set.
        """
        useful = tuple(useful)
        for field in fields(self):
            if field.name not in useful and getattr(self, field.name) != field.default:
                takes = f"takes {', '.join(useful)}" if useful else "takes no options"
                raise UsageError(f"{field.name} does not apply here: {kind} {takes}")


#: Read everything as the files say.
DEFAULTS = ReadOptions()
