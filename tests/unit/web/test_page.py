"""The page: views that read, and who may see them."""

from __future__ import annotations

import html
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode

import bson
import pytest

from fakeviam import PageLimit, Policy
from fakeviam.server.services import turns
from fakeviam.server.services.explain import explain_call
from fakeviam.web.page import calls
from fakeviam.web.page.site import _READS

from .browser import Browser, call

if TYPE_CHECKING:
    from .conftest import Open

from .shown import BOX, EVIL, FORM, NOON, PIPELINE, SEED, linked, page, png, told


def paths(browser: Browser) -> dict[str, str]:
    """An address of every view."""
    file, dataset = browser.cloud.files[0].id, browser.cloud.datasets[0].id
    return {
        "calls": "calls",
        "call": "calls/2",
        "why": "why/1",
        "compare": "compare?a=1&b=2",
        "events": "",
        "files": "files?tags=indoor&limit=2",
        "file": f"file/{file}",
        "bytes": f"bytes/{file}",
        "readings": "readings?component_name=thermometer",
        "query": f"query?{urlencode({'text': PIPELINE})}",
        "datasets": "datasets",
        "dataset": f"dataset/{dataset}",
        "export": f"export/{dataset}?format=jsonl",
        "sequences": "sequences",
        "sequence": linked(browser, "sequences", "sequence"),
        "job": linked(browser, linked(browser, "datasets", "dataset"), "job"),
        "pipelines": "pipelines",
        "pipeline": linked(browser, "pipelines", "pipeline"),
        "fleet": "fleet",
        "policy": "policy",
        "point": "policy/dataset_label",
        "controls": "controls",
        "snapshots": "snapshots",
    }


@pytest.mark.parametrize("view", sorted(set(_READS) - {"events"}))
def test_every_view(full: Browser, view: str) -> None:
    """Is there, leaves no call behind, and shows what is stored as text (PA-1, PA-2)."""
    before = len(full.cloud.calls)
    reply = full.request("GET", f"/ui/{paths(full)[view]}")
    assert reply.status == 200, reply.body.decode()
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    if reply.headers["content-type"].startswith("text/html"):
        assert b"<script>alert" not in reply.body
        assert b"49 xxx" not in reply.body
        assert reply.headers["cache-control"] == "no-store"
        found = set(re.findall(rb'(?:src|href|action)="([^"]*)"', reply.body))
        assert all(each.startswith((b"/", b"#")) for each in found), found
    assert len(full.cloud.calls) == before


@pytest.mark.parametrize("view", sorted(set(_READS) - {"controls"}))
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.thinned(4)
def test_views_only_read(full: Browser, view: str, method: str) -> None:
    """Nothing but GET (PA-2)."""
    reply = full.request(method, f"/ui/{paths(full)[view] or view}", "action=reset", FORM)
    assert reply.status == 405
    assert len(full.cloud.files) == 4


def test_what_is_shown(full: Browser) -> None:
    """A look at each view: what a reader would look for is there (PA-2)."""
    shown = html.unescape(page(full, "calls/1"))
    assert "PG-10" in shown
    assert '"tags": [' in shown
    assert 'href="/ui/policy/default_order">other interpretations' in page(full, "calls/2")
    why = html.unescape(page(full, "why/1"))
    assert "4 excluded" in why
    assert "tags_filter" in why
    assert "indoor" in page(full, "files")
    assert page(full, "files?component_name=cam").count('class="card"') == 3
    assert 'points="0.0,120.0' in page(full, "readings")
    assert "2 documents" in page(full, paths(full)["query"])
    assert "store: at most 2; stages: $limit" in page(full, paths(full)["query"])
    sql = urlencode({"language": "sql", "text": "SELECT component_name FROM readings"})
    assert "5 documents" in page(full, f"query?{sql}")
    fleet = told(full, "fleet")
    assert full.cloud.default_part.id in fleet
    assert f'app_url="{full.cloud.unix_socket}"' in fleet
    assert f"viam login api-key --base-url={full.cloud.url} --key-id=" in fleet
    assert page(full, "fleet").count('data-from="code-') == 5  # each has its button to copy


def test_boxes_are_drawn_with_their_labels(full: Browser) -> None:
    """Where they are on the picture, in percent of its sides; the whole label on request."""
    shown = page(full, "files?component_name=cam&limit=1")
    assert '<rect x="10%" y="20%" width="40%" height="70%">' in shown
    (label,) = re.findall(r'<text x="10%" y="20%"[^>]*>(.*)</text>', shown)
    assert html.unescape(label) == EVIL[:27] + "..."
    assert f"<title>{EVIL}</title>" in html.unescape(shown)


def test_sequences_and_pipelines(full: Browser) -> None:
    """What a sequence selects, a dataset's exports, the runs of a pipeline, its sink (PA-2)."""
    assert "1 sequence." in told(full, "sequences")
    sequence = told(full, linked(full, "sequences", "sequence"))
    assert "2026-03-10 12:00:00 to 2026-03-10 12:02:00" in sequence
    assert "0 3" in sequence  # files and readings
    assert "walks" in sequence
    dataset = told(full, linked(full, "datasets", "dataset"))
    assert "holds 1 sequence" in dataset
    assert "completed" in dataset
    archive = full.request("GET", f"/ui/{paths(full)['job']}").body
    export = full.request(
        "GET",
        f"/ui/{linked(full, 'datasets', 'dataset').replace('dataset', 'export')}?format=parquet",
    )
    assert archive[:2] == export.body[:2] == b"PK"
    pipeline = page(full, linked(full, "pipelines", "pipeline"))
    assert "completed" in pipeline
    assert "1 document" in pipeline
    sink = html.unescape(re.findall(r'href="/ui/(query[^"]*)"', pipeline)[-1])
    assert "1 document" in told(full, sink)
    assert "a sink is read as a whole" in told(full, sink)
    saved = urlencode({"prefix": EVIL, "text": '[{"$limit": 3}]'})
    assert "3 documents store: component_name = 'thermometer'" in told(full, f"query?{saved}")


def test_runs_are_done_when_somebody_looks(web: Browser) -> None:
    """As they would be for a call at this time of the fake's clock (PA-2, DP-16)."""
    web.cloud.clock.freeze()
    query = {"schedule": "0 * * * *", "mql_binary": [bson.encode({"$limit": 1})]}
    owner = web.cloud.default_part.organization_id
    call(web.cloud, "CreateDataPipeline", name="hourly", organization_id=owner, **query)
    web.cloud.clock.advance(hours=2)
    assert "completed" in told(web, linked(web, "pipelines", "pipeline"))


def test_others_are_answered_while_a_look_does_what_is_due(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run over many readings takes long (SV-18)."""
    began, answered = threading.Event(), threading.Event()

    def waiting(*_: object, **__: object) -> list[object]:
        began.set()
        assert answered.wait(30), "nobody was answered meanwhile"
        return []

    web.cloud.clock.set("2026-03-10T12:30:00Z")
    web.cloud.load({"readings": [{"component": "c", "rows": [{"time": "2026-03-10T12:10:00Z"}]}]})
    owner = web.cloud.default_part.organization_id
    query = {"schedule": "0 * * * *", "mql_binary": [bson.encode({"$limit": 1})]}
    call(web.cloud, "CreateDataPipeline", name="hourly", organization_id=owner, **query)
    monkeypatch.setattr(turns, "_FEW", 0)
    monkeypatch.setattr("fakeviam.server.services.data.queries.run_pipeline", waiting)
    web.cloud.clock.advance(hours=1)
    with ThreadPoolExecutor(1) as threads:
        looking = threads.submit(told, web, "pipelines")
        assert began.wait(30)
        assert web.request("GET", "/healthz").status == 200
        assert not looking.done()
        answered.set()
        assert "hourly" in looking.result(30)


def test_calls_are_chosen(full: Browser) -> None:
    """By RPC, status, fields of the request and clause; older than a number (PA-2)."""
    for query, numbers in [
        ("", [4, 3, 2, 1]),
        ("rpc=Binary*", [2, 1]),
        ("rpc=TagsByFilter", [3]),
        ("component=cam", [2]),
        ("field=tag&value=x", [1]),
        ("clause=FI-6", [1]),
        ("clause=PG-10", [3, 2, 1]),
        ("status=OK&before=3", [2, 1]),
        ("status=NOT_FOUND", []),
    ]:
        shown = page(full, f"calls?before=5&{query}")
        assert list(map(int, re.findall(r'href="/ui/calls/(\d+)">\d+</a></td>', shown))) == numbers


@pytest.mark.parametrize("beyond", ["clamp", "refuse"])
def test_pages_lead_to_all(browse: Open, beyond: Any) -> None:
    """Whatever the policy makes of their size; the last one leads nowhere (PA-2)."""
    web = browse(policy=Policy(max_page=PageLimit(2, beyond=beyond)), load=SEED)
    for view, shown, count in [
        ("files", 'class="card"', 4),
        ("readings", '<tr><td class="time">', 5),
    ]:
        path: str | None = view
        pages = []
        while path is not None:
            text = page(web, path).partition('role="status"')[2]
            pages.append(text.count(shown))
            older = re.search(r'href="/ui/([^"]*)">older', text)
            path = html.unescape(older[1]) if older else None
        assert sum(pages) == count
        assert all(pages)
    refused = web.request("GET", "/ui/files?limit=3")
    assert refused.status == (200 if beyond == "clamp" else 422)


def test_what_completes_the_filter(full: Browser) -> None:
    """Values that are stored, of files and of readings each (PA-2)."""
    for view, there, elsewhere in (
        ("files", "cam", "thermometer"),
        ("readings", "thermometer", "cam"),
    ):
        known = re.search(r'id="known-component_name">(.*?)</datalist>', page(full, view))
        assert known
        assert f'value="{there}"' in known[1]
        assert f'value="{elsewhere}"' not in known[1]
    assert "Latest of each sensor captured sensor values 2026-03-10 12:04:00 thermometer" in told(
        full, "readings"
    )
    assert "Latest of each" not in told(full, "readings?component_name=thermometer")
    assert "TabularDataByFilter" in told(full, "readings")


def test_a_file_names_the_calls_about_it(web: Browser) -> None:
    """Those whose request or reply holds its id, and no others (PA-2)."""
    web.cloud.load(SEED)
    one, other = web.cloud.files[0], web.cloud.files[1]
    call(web.cloud, "TagsByFilter")
    call(web.cloud, "BinaryDataByIDs", binary_data_ids=[other.id])
    call(web.cloud, "BinaryDataByIDs", binary_data_ids=[one.id])
    call(web.cloud, "AddTagsToBinaryDataByIDs", binary_data_ids=[one.id], tags=["new"])
    call(
        web.cloud, "BinaryDataByFilter", data_request={"filter": {"tags_filter": {"tags": ["new"]}}}
    )
    shown = page(web, f"file/{one.id}")
    assert re.findall(r">call (\d+)</a>", shown) == ["5", "4", "3"]
    why = re.findall(r'href="/ui/(why/\d+[^"]*)"', shown)
    assert [path.partition("?")[0] for path in why] == [
        f"why/{number}" for number in (5, 4, 3, 2, 1)
    ]
    assert "1 included" in told(web, html.unescape(why[0]))
    assert "1 included" not in told(web, html.unescape(why[3]))


def test_others_are_served_while_a_view_is_made(
    web: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it takes; what it shows is the moment at which it was asked for (PA-2)."""
    web.cloud.load({"readings": [{"component": "t", "rows": [{"time": "2026-03-10T12:00:00Z"}]}]})
    call(web.cloud, "TabularDataByFilter")
    looks, served = threading.Event(), threading.Event()

    def explain(*given: Any) -> Any:
        looks.set()
        assert served.wait(30)
        return explain_call(*given)

    monkeypatch.setattr(calls, "explain_call", explain)
    with ThreadPoolExecutor() as pool:
        why = pool.submit(told, web, "why/1")
        assert looks.wait(30)
        organization = web.cloud.default_part.organization_id
        call(web.cloud, "DeleteTabularData", organization_id=organization)
        served.set()
        assert "1 included" in why.result()


def test_a_file_names_the_sequences_around_it(web: Browser) -> None:
    """Those in which GetSequenceBinaryData finds it, and no others (PA-2, SQ-4)."""
    image = {"data": png(), "component": "cam", "method": "ReadImage"}
    times = ["2026-03-10T12:00:00Z", "2026-03-10T12:02:00Z", "2026-03-10T12:03:00Z"]
    web.cloud.load({"images": [{"name": f"{at}.png", "time": at, **image} for at in times]})
    for method in ("ReadImage", "GetImages"):
        call(
            web.cloud,
            "CreateSequence",
            part_id=web.cloud.default_part.id,
            resources=[{"resource_name": "cam", "method_name": method}],
            start_time={"seconds": NOON},
            end_time={"seconds": NOON + 120},
        )
    found = [
        re.findall('sequence/([^"]*)', page(web, f"file/{file.id}")) for file in web.cloud.files
    ]
    (sequence,) = found[0]
    assert found == [[sequence], [sequence], []]
    assert page(web, f"sequence/{sequence}").count('class="card"') == 2


def test_labels_of_a_dataset(web: Browser) -> None:
    """Files with labels against all, and each label against what training wants (PA-2)."""
    images = [
        {"name": f"{number}.png", "data": png(), "datasets": "d", **more}
        for number, more in enumerate(
            [{"tags": ["cat"]}] * 3 + [{"boxes": [{**BOX, "label": "dog"}]}] * 11 + [{}] * 6
        )
    ]
    web.cloud.load({"datasets": [{"name": "d"}], "images": images})
    shown = re.sub(r"<[^>]*>", " ", page(web, f"dataset/{web.cloud.datasets[0].id}"))
    told = " ".join(shown.split())
    assert "20, 14 labelled (70 %; training wants 80 %)" in told
    assert "dog 11 enough cat 3 7 more" in told


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("nothing", 404, "there is nothing at /ui/nothing"),
        ("calls/99", 404, "there is no call 99"),
        ("calls?status=NO", 422, "NO"),
        ("calls?field=nothing&value=1", 422, "nothing"),
        ("compare?a=1", 404, "there is no call"),
        ("why/4", 422, "selects no data"),
        ("file/a/b/c", 404, "there is no file 'a/b/c'"),
        ("bytes/c", 404, "there is no file 'c'"),
        ("files?start=bad", 422, "start: "),
        ("files?tagz=cat", 422, "did you mean 'tags'?"),
        ("readings?internal=1", 422, "the view does not take 'internal'"),
        ("fleet?tags=cat", 422, "it takes session"),
        ("files?limit=0", 422, "limit must be 1 to 500"),
        ("files?tagged=no", 422, "tagged must be one of"),
        ("files?last=bad", 422, "last"),
        ("query?text=x", 422, "the pipeline is not JSON"),
        ("query?text=%7B%7D", 422, "a pipeline is a JSON array"),
        ("query?text=%5B%7B%22%24no%22%3A1%7D%5D", 422, "$no"),
        ("query?language=no", 422, "language must be mql or sql"),
        ("dataset/no", 404, "there is no dataset 'no'"),
        ("static/../site.py", 404, "there is no file"),
        ("calls?session=no", 404, "there is no session 'no'"),
    ],
)
def test_what_makes_no_sense(full: Browser, path: str, status: int, says: str) -> None:
    """The status, and what is wrong, as text (PA-2)."""
    assert says in html.unescape(page(full, path, status))


def test_exports(full: Browser) -> None:
    """Zip archives in all forms (PA-2)."""
    dataset = full.cloud.datasets[0].id
    for form in ("jsonl", "coco", "folder"):
        reply = full.request("GET", f"/ui/export/{dataset}?format={form}")
        assert reply.body.startswith(b"PK"), reply.body
    assert full.request("GET", f"/ui/export/{dataset}?format=x").status == 422


def test_exports_have_names_that_can_be_saved(web: Browser) -> None:
    """Whatever a dataset is called; long names are cut, and keep what kind of file it is (PA-2)."""
    organization = web.cloud.default_part.organization_id
    name = 'a/b\\c"d\0\r\n\u202e' + "\U0001f415" * 300
    made = call(web.cloud, "CreateDataset", name=name, organization_id=organization)
    reply = web.request("GET", f"/ui/export/{made.id}?format=jsonl")
    told = reply.headers["content-disposition"]
    assert told.startswith('attachment; filename="a_b_c_d___')
    saved = unquote(told.partition("filename*=UTF-8''")[2])
    assert saved == 'a_b_c"d' + "\U0001f415" * 193 + ".zip"


def test_without_pyarrow(full: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says what is missing instead of a link (EJ-5, PA-2)."""
    monkeypatch.setattr("fakeviam.web.page.datasets.is_available", lambda: False)
    dataset = linked(full, "datasets", "dataset")
    assert "install fakeviam[parquet]" in page(full, dataset)
    export = f"{dataset.replace('dataset', 'export')}?format=parquet"
    assert "install fakeviam[parquet]" in page(full, export, 501)


def test_ranges_of_bytes(full: Browser) -> None:
    """So that videos can be sought in (PA-2)."""
    file = full.cloud.files[0]
    reply = full.request("GET", f"/ui/bytes/{file.id}", headers={"range": "bytes=1-3"})
    assert (reply.status, reply.body) == (206, file.data[1:4])


# Who may see it ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}, {"origin": "null"}]
)
def test_other_sites_see_nothing(web: Browser, headers: dict[str, str]) -> None:
    """Neither the page nor its controls (PA-1, HT-3)."""
    for method, path in [("GET", "calls"), ("POST", "controls")]:
        reply = web.request(method, f"/ui/{path}", "action=reset", {**FORM, **headers})
        assert reply.status == 403, reply.body
        assert "access-control-allow-origin" not in reply.headers


def test_with_a_control_token_a_browser_logs_in(browse: Open) -> None:
    """By a form, which keeps it in a cookie that no script sees (PA-1, HT-2)."""
    web = browse(control_token="s3cret")  # noqa: S106 - of a test
    refused = web.request("GET", "/ui/calls")
    assert refused.status == 401
    assert b"control token" in refused.body
    reply = web.request("POST", "/ui/login", "token=s3cret", FORM)
    cookie = reply.headers["set-cookie"]
    assert (reply.status, reply.headers["location"]) == (303, "/ui")
    assert all(word in cookie.lower() for word in ("httponly", "samesite=strict", "path=/ui"))
    inside = web.request("GET", "/ui/calls", headers={"cookie": cookie.partition(";")[0]})
    assert inside.status == 200
    for origin in ("http://127.0.0.1:3000", "http://evil.example", "null"):
        theirs = {**FORM, "cookie": cookie.partition(";")[0], "origin": origin}
        for path in ("controls", "login"):
            reply = web.request("POST", f"/ui/{path}", "action=reset&token=x", theirs)
            assert (reply.status, "set-cookie" in reply.headers) == (403, False)
    for token in ("", "%F0%9F%98%80", "a%0Ab"):
        assert web.request("POST", "/ui/login", f"token={token}", FORM).status == 422
    wrong = web.request("GET", "/ui/calls", headers={"cookie": "fakeviam-token=x"})
    assert wrong.status == 401
    assert b"is wrong" in wrong.body


def test_without_control_there_is_no_page(browse: Open) -> None:
    """As there is no control API (PA-1)."""
    assert browse(control=False).request("GET", "/ui").status == 404


def test_the_root_leads_people_to_the_page(web: Browser) -> None:
    """Programs get JSON, as before (PA-1)."""
    reply = web.request("GET", "/", headers={"accept": "text/html,*/*"})
    assert (reply.status, reply.headers["location"]) == (303, "/ui")
    assert web.request("GET", "/").json["page"] == "/ui"


def test_secrets_are_for_those_who_may_see_them(browse: Open) -> None:
    """With auth=keys and no token, API keys are hidden here too (PA-1, HT-6)."""
    web = browse(auth="keys")
    key = web.cloud.api_key.encode()
    assert all(
        key not in web.request("GET", f"/ui/{path}").body for path in ("fleet", "controls", "calls")
    )
