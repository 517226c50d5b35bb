"""The query editor: MQL and SQL, and which part of a query the store executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam import wire
from fakeviam.model.entities import DataPipeline, SavedQuery
from fakeviam.web.page import code
from fakeviam.web.page.documents import plain, stages_text
from fakeviam.web.problems import HttpProblem
from fakeviam.wire import data

if TYPE_CHECKING:
    from fakeviam.web.page.visit import Visit

#: How many documents of a result are shown.
SHOWN = 500

EXAMPLE = """[
  {"$match": {"component_name": {"$exists": true}}},
  {"$sort": {"time_received": -1}},
  {"$limit": 20}
]"""


def show(visit: Visit) -> tuple[str, dict[str, Any]]:
    """The editor, and the result of its query."""
    asked = {name: visit.query.get(name, "").strip() for name in ("text", "prefix", "sink")}
    language = visit.query.get("language", "mql")
    if language not in ("mql", "sql"):
        raise HttpProblem(422, "language must be mql or sql", field="language", value=language)
    organizations, store = visit.organizations, visit.store
    chosen = visit.query.get("organization") or next(iter(organizations), "")
    text = asked["text"]
    answer: dict[str, Any] = {}
    if text:
        answer = _mql(visit, chosen, asked) if language == "mql" else _sql(visit, chosen, text)
    documents = answer.pop("documents", [])
    return "query.html", {
        "language": language,
        "text": text or (EXAMPLE if language == "mql" else ""),
        "asked": asked,
        "organization": chosen,
        "organizations": organizations,
        "saved": [
            (query.name, stages_text(query.stages)) for query in store.entities(SavedQuery, chosen)
        ],
        "sinks": {each.id: each.name for each in store.entities(DataPipeline, chosen)},
        "ran": bool(text),
        "total": answer.get("total", 0),
        "columns": _columns(documents),
        "documents": documents,
        "as_json": visit.query.get("as") == "json",
        "plan": answer.get("plan", ""),
        "snippets": answer.get("snippets", []),
    }


def _mql(visit: Visit, organization: str, asked: dict[str, str]) -> dict[str, object]:
    import bson  # noqa: PLC0415 - with the first query
    from bson import json_util  # noqa: PLC0415
    from bson.errors import BSONError  # noqa: PLC0415

    try:
        stages = json_util.loads(asked["text"])
    except (ValueError, TypeError) as error:
        raise HttpProblem(422, f"the pipeline is not JSON: {error}", field="text") from None
    if not isinstance(stages, list) or not all(isinstance(stage, dict) for stage in stages):
        raise HttpProblem(422, "a pipeline is a JSON array of objects, one for each stage")
    request = data.TabularDataByMQLRequest(organization_id=organization)
    if asked["prefix"]:
        request.query_prefix_name = asked["prefix"]
    if asked["sink"]:
        request.data_source.type = data.TABULAR_DATA_SOURCE_TYPE_PIPELINE_SINK
        request.data_source.pipeline_id = asked["sink"]
    try:
        request.mql_binary.extend(bson.encode(stage) for stage in stages)
    except (ValueError, BSONError) as error:
        raise HttpProblem(422, f"the pipeline cannot be sent: {error}") from None
    return _answer(visit, "TabularDataByMQL", request)


def _sql(visit: Visit, organization: str, text: str) -> dict[str, object]:
    request = data.TabularDataBySQLRequest(organization_id=organization, sql_query=text)
    return _answer(visit, "TabularDataBySQL", request)


def _answer(visit: Visit, rpc: str, request: Any) -> dict[str, Any]:
    """The documents, the part that the store executed, and the call as code."""
    reply, record = visit.ask_and_tell(rpc, request)
    return {
        "total": len(reply.raw_data),
        "documents": plain(reply.raw_data[:SHOWN]),
        "plan": record.plan or "a sink is read as a whole",
        "snippets": code.request_snippets(visit, wire.method(rpc), request),
    }


def _columns(documents: list[dict[str, object]]) -> list[str]:
    return list(dict.fromkeys(name for document in documents for name in document))
