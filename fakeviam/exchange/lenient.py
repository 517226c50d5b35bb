"""Models of other programs' JSON, in which null and empty values mean absence."""

from __future__ import annotations

from pydantic import model_validator

from fakeviam.seeds.values import Capture
from fakeviam.validation.models import Model
from fakeviam.validation.types import Flag, Many, Name, Omittable, Text

#: How to treat boxes that exceed their image.
CLIP = "use the option clip to clip such boxes"


class Lenient(Model, extra="ignore"):
    """A model that treats null, "", [] and {} as absent fields."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {key: each for key, each in value.items() if each not in (None, "", [], {})}


class Original(Model, extra="ignore"):
    """Metadata of fakeviam's own exports that the format cannot represent."""

    file_name: Omittable[Text] = None
    file_ext: Omittable[Text] = None
    mime_type: Text = ""
    dataset_ids: Many[Name] = ()
    unzipped: Flag = False
    component_type: Text = ""
    component_name: Text = ""
    method_name: Text = ""

    def capture(self, part: str, component: str = "") -> Capture:
        """The capture metadata that the format does not represent."""
        return Capture(
            part=part,
            component_type=self.component_type,
            component=component or self.component_name,
            method=self.method_name,
        )

    def named(self, name: str, ext: str) -> tuple[str, str]:
        """The name and extension, if the format represents them."""
        return (
            name if self.file_name is None else self.file_name,
            ext if self.file_ext is None else self.file_ext,
        )
