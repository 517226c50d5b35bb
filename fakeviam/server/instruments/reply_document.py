"""A scripted reply as JSON."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fakeviam.validation.models import Model, field
from fakeviam.validation.types import Count, JsonObject, Many, Omittable, Text


class ReplyDocument(Model):
    """The reply to some calls. `replies` is for RPCs that stream them."""

    rpc: Annotated[Text, Field(min_length=1)] = field("The RPC to answer.", "TagsByFilter")
    where: JsonObject = field("Fields that the request must have.", {"tag": "dog"}, default={})
    reply: JsonObject = field("The reply, with proto field names.", {"tags": ["dog"]}, default={})
    replies: Omittable[Many[JsonObject]] = field(
        "Several replies, if the RPC streams them.", [{"tags": ["dog"]}], default=None
    )
    times: Count | None = field("Answer this many calls; by default all.", 1, default=None)
