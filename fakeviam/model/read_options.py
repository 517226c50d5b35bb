"""Options for loading files of other tools, with `load` or `fakeviam seed`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol

from fakeviam.model.checks import check_choice, check_type
from fakeviam.model.errors import UsageError
from fakeviam.model.text import short

if TYPE_CHECKING:
    from collections.abc import Iterable


class _Path(Protocol):
    """A path of any library."""

    def __fspath__(self) -> str: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """What a file does not specify; each option applies to some kinds of file.

    Attributes:
        images: The folder of the images; by default it is searched for next to the file.
        dataset: The dataset to add the files to; empty for none, by default the file's own.
        part: The part that captured the data: a name, organization/location/robot/part, or an id.
        component: The component that captured readings, whose table does not say so.
        method: Its method, likewise.
        clip: Clip boxes to the edge of their image instead of refusing them.
        delimiter: The separator of a CSV file.
        time_format: The format of times, for Python's strptime.
        time_unit: For times that are numbers since 1970: s, ms, us or ns.
        within: The folder that images must be in, for files from authors who may not see the whole
            machine; not available to users.
    """

    images: str | _Path | None = None
    dataset: str | None = None
    part: str = ""
    component: str = ""
    method: str = ""
    clip: bool = False
    delimiter: str | None = None
    time_format: str | None = None
    time_unit: str | None = None
    within: str | _Path | None = None

    def __post_init__(self) -> None:
        """Check the types.

        Raises:
            UsageError: A value has the wrong type or is invalid.
        """
        for name in ("images", "within"):
            path = getattr(self, name)
            if path is not None and not (isinstance(path, str) or hasattr(path, "__fspath__")):
                raise UsageError(f"{name} must be the path of a folder, got {short(path)}")
        check_type("clip", self.clip, bool)
        for name in ("part", "component", "method"):
            check_type(name, getattr(self, name), str)
        if self.time_unit is not None:
            check_choice("time_unit", self.time_unit, ("s", "ms", "us", "ns"))
        for name in ("dataset", "delimiter", "time_format"):
            if getattr(self, name) is not None:
                check_type(name, getattr(self, name), str)
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise UsageError(
                f"delimiter must be one character, such as ; or a tab, got {short(self.delimiter)}"
            )

    @classmethod
    def of(
        cls, options: ReadOptions | Mapping[str, object] | None, *, name: str = "options"
    ) -> ReadOptions:
        """Return options given by name, or unchanged.

        Args:
            options: The options.
            name: The caller's name for them, for errors.

        Raises:
            UsageError: An option does not exist, or its value is invalid.
        """
        if isinstance(options, ReadOptions):
            return options
        if options is None:
            return cls()
        if not isinstance(options, Mapping):
            message = f"{name} must be ReadOptions or a dict of them, got {short(options)}"
            raise UsageError(message)
        names = [field.name for field in fields(cls) if field.name != "within"]
        for option in options:
            if option not in names:
                near = get_close_matches(short(option), names, n=1)
                hint = f"; did you mean {near[0]}?" if near else "."
                raise UsageError(
                    f"load has no option {short(option)}{hint} There are {', '.join(names)}"
                )
        return cls(**options)  # type: ignore[arg-type]  # checked by __post_init__

    def check_useful(self, kind: str, useful: Iterable[str] = ()) -> None:
        """Refuse an option that a reader would ignore.

        Args:
            kind: The kind of file, such as "a COCO file".
            useful: The options that its reader supports.

        Raises:
            UsageError: Another option is set.
        """
        useful = tuple(useful)
        for field in fields(self):
            if field.name not in (*useful, "within") and getattr(self, field.name) != field.default:
                takes = f"takes {', '.join(useful)}" if useful else "takes no options"
                raise UsageError(f"{field.name} does not apply here: {kind} {takes}")


#: No options: everything is as the files specify.
DEFAULTS = ReadOptions()
