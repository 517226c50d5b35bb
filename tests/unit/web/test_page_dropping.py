"""Files that are dropped on the page: as `--load` takes them, or refused whole."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from fakeviam import FakeViam
from fakeviam.exchange.importers import read_any
from fakeviam.seeds import SeedError

from .shown import BOX, png

if TYPE_CHECKING:
    from pathlib import Path

    from .browser import Browser, Reply

PHOTO = base64.b64decode(png())
COCO = json.dumps(
    {
        "images": [
            {
                "id": number,
                "file_name": f"/home/bob/set/images/{number}.png",
                "width": 1,
                "height": 1,
            }
            for number in range(2)
        ],
        "annotations": [{"image_id": 0, "category_id": 1, "bbox": [0, 0, 1, 1], "iscrowd": 1}],
        "categories": [{"id": 1, "name": "dog"}],
    }
).encode()
LINES = b"\n".join(
    json.dumps(
        {
            "image_path": f"data/{number}.png",
            "bounding_box_annotations": [BOX | {"annotation_label": "dog"}],
        }
    ).encode()
    for number in range(2)
)
PHOTOS = {f"{number}.png": PHOTO + bytes([number]) for number in range(2)}


def upload(web: Browser, *files: tuple[str, bytes]) -> Reply:
    """What a browser sends when files are dropped."""
    sent = b'--x\r\ncontent-disposition: form-data; name="action"\r\n\r\nseed-files\r\n'
    for name, content in files:
        head = f'--x\r\ncontent-disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        sent += head.encode() + content + b"\r\n"
    kind = {"content-type": "multipart/form-data; boundary=x"}
    return web.request("POST", "/ui/controls", sent + b"--x--\r\n", kind)


def words(reply: Reply) -> str:
    """What a page says, without its marks."""
    return " ".join(re.sub("<[^>]*>", " ", html.unescape(reply.body.decode())).split())


def test_dropped_files(web: Browser) -> None:
    """A seed, readings and a file to store, all at once (PA-3, PA-7)."""
    reply = upload(
        web,
        ("lab.yaml", b"datasets:\n- name: dogs\n"),
        ("more.json", b'\xef\xbb\xbf{"datasets": ["cats"]}'),
        ("room.csv", b"time,celsius\n2026-01-31T12:00:00Z,20.5\n"),
        ("\u202e<b>.png", PHOTO),
    )
    assert b"It held 1 file, 1 reading, 2 datasets." in reply.body
    (file,) = web.cloud.files
    assert (file.data, file.mime_type, file.name) == (PHOTO, "image/png", "\u202e<b>.png")
    assert [dataset.name for dataset in web.cloud.datasets] == ["dogs", "cats"]
    assert len(web.cloud.readings) == 1


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.yaml", b"datasets:\n- nam: dogs\n", "a.yaml 2 datasets[0] unknown field 'nam'"),
        ("a.yaml", b"images:\n- files: /etc/hostname\n", "leads out of what was dropped"),
        ("a.yaml", b"images:\n- files: x/../../*\n", "leads out of what was dropped"),
        ("a.yaml", b"imports:\n- file: /etc/hostname\n", "leads out of what was dropped"),
        ("a.yaml", b"readings:\n- file: ../x.csv\n", "leads out of what was dropped"),
        ("a.yaml", b"images:\n- files: x.png\n", "a.yaml 2 images[0].files no file matches"),
        ("../a.png", b"", "leads out of what was dropped"),
        ("/a.png", b"", "leads out of what was dropped"),
        ("good.yaml", b"", "good.yaml is there twice"),
        (f"{'x' * 300}.png", b"", "cannot be laid out by its name"),
        ("a.zip", b"PK", "a.zip cannot be unpacked"),
        ("a.tgz", b"\x1f\x8b", "a.tgz cannot be unpacked"),
        ("a.yaml", b"\xff", "a.yaml 1 is not UTF-8"),
        ("a.json", b"{", "a.json 1"),
        (
            "a.json",
            b'{"images": [{"id": 1, "file_name": "/etc/hostname"}]}',
            "a.json 1 images[0].file_name",
        ),
        ("a.jsonl", b'{"image_path": "/etc/hostname"}', "a.jsonl 1 image_path"),
        ("a.json", b'{"shapes": [], "imagePath": ""}', "a.json is a labelme file"),
        ("a.csv", b"celsius\n1\n", "a.csv"),
        ("a.csv", b"time,n\nx,1\n", "a.csv 2 time "),
        ("", b"", "no file was chosen"),
    ],
)
@pytest.mark.thinned(3)
def test_dropped_files_that_make_no_sense(
    web: Browser, name: str, content: bytes, says: str
) -> None:
    """File, line, field and what is wrong; nothing is loaded, and no file of this machine is
    read (PA-7, HT-4)."""
    good = ("good.yaml", b"datasets:\n- name: dogs\n")
    reply = upload(web, good, (name, content)) if name else upload(web)
    assert reply.status == 422
    assert says in words(reply)
    assert not web.cloud.datasets


def below(folder: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{name}": content for name, content in files.items()}


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(files: dict[str, bytes], mode: Any = "w:gz", kind: bytes = tarfile.REGTYPE) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.type = len(content), kind
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


SETS = {
    "coco": {"_annotations.coco.json": COCO, **below("images", PHOTOS)},
    "splits": {
        f"{split}/{name}": content
        for split in ("train", "valid")
        for name, content in {"_annotations.coco.json": COCO, **PHOTOS}.items()
    },
    "climbs": {"labels/c.json": COCO.replace(b"/home/bob/set", b".."), **below("images", PHOTOS)},
    "jsonl": {"dataset.jsonl": LINES, **below("data", PHOTOS)},
}


def stored(cloud: FakeViam) -> list[Any]:
    """What of the files a load decides."""
    names = {dataset.id: dataset.name for dataset in cloud.datasets}
    return sorted(
        (
            each.name,
            each.data,
            [names[id_] for id_ in each.dataset_ids],
            [(box.label, box.x_max_normalized) for box in each.boxes],
        )
        for each in cloud.files
    )


@pytest.mark.parametrize("how", ["folder", "zip", "zip of a folder", "tar"])
@pytest.mark.parametrize("name", SETS)
@pytest.mark.thinned(4)
def test_sets_are_loaded_as_from_the_command_line(
    web: Browser, tmp_path: Path, name: str, how: str
) -> None:
    """Folders and archives of images with COCO or a dataset.jsonl (PA-7)."""
    for path, content in below("set", SETS[name]).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    dropped = {
        "folder": below("set", SETS[name]),
        "zip": {"set.zip": zipped({**SETS[name], "__MACOSX/._x": b"", ".DS_Store": b""})},
        "zip of a folder": {"x.zip": zipped(below("set", SETS[name]))},
        "tar": {"set.tar.gz": tarred(SETS[name])},
    }[how]
    reply = upload(web, *dropped.items())
    assert reply.status == 200, words(reply)
    with FakeViam(seed=1, load=tmp_path / "set") as expected:
        assert stored(web.cloud) == stored(expected)
        assert len(stored(expected)) == (4 if name == "splits" else 2)


@pytest.mark.parametrize("given", [{"c.json": COCO}, {"dataset.jsonl": LINES}])
def test_loose_images_beside_what_names_them(web: Browser, given: dict[str, bytes]) -> None:
    """Files chosen together, without their folders: each image once, others as they are (PA-7)."""
    reply = upload(web, *given.items(), *PHOTOS.items(), ("other.png", PHOTO))
    assert "It held 3 files" in words(reply)
    assert ("Left out: 1 annotations.iscrowd (" in words(reply)) == ("c.json" in given)
    assert len(web.cloud.files.where(label="dog")) > 0
    assert not [each for each in web.cloud.files if each.name == "other.png" and each.boxes]


def test_a_seed_with_what_it_names(web: Browser) -> None:
    """Images with their marks beside them, tables, COCO; nothing twice (PA-7)."""
    seed = b"""
images: [{files: "photos/*.png", sidecars: true, component: cam}]
readings: [{file: room.csv, component: t}]
imports: [{file: set/c.json}]
"""
    reply = upload(
        web,
        ("lab/seed.yaml", seed),
        ("lab/photos/a.png", PHOTO),
        ("lab/photos/a.png.yaml", b"tags: [marked]"),
        ("lab/room.csv", b"time,celsius\n2026-01-31T12:00:00Z,20.5\n"),
        ("lab/set/c.json", COCO),
        *below("lab/set/images", PHOTOS).items(),
    )
    assert "It held 3 files, 1 reading, 1 dataset." in words(reply)
    (photo,) = web.cloud.files.where(component="cam")
    assert photo.tags == ("marked",)


def test_the_same_errors_as_from_the_command_line(web: Browser, tmp_path: Path) -> None:
    """Field and text, without the place in which the server laid the files out (PA-7)."""
    broken = COCO.replace(b'"category_id": 1', b'"category_id": 9')
    (tmp_path / "c.json").write_bytes(broken)
    with pytest.raises(SeedError) as expected:
        read_any(tmp_path / "c.json")
    said = words(upload(web, ("c.json", broken)))
    for each in expected.value.diagnostics:
        assert (
            f"c.json {each.location.line} {each.location.field} {each.text}".replace(
                str(tmp_path), "what was dropped"
            )
            in said
        )
    assert "fv-drop" not in said
    assert not web.cloud.files
    assert not web.cloud.datasets


def test_no_file_of_this_machine_is_looked_at(web: Browser, tmp_path: Path) -> None:
    """Not even one that an absolute path names, nor that it exists (PA-7, HT-4)."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(PHOTO)
    said = []
    for place in (secret, tmp_path / "nothing.png"):
        names = json.dumps({"images": [{"id": 1, "file_name": str(place)}]}).encode()
        for name, content in (
            ("c.json", names),
            ("d.jsonl", json.dumps({"image_path": str(place)}).encode()),
            ("s.yaml", f"imports: [{{file: c.json, images: {tmp_path}}}]".encode()),
        ):
            reply = upload(web, (name, content), *([("c.json", names)] if name[0] == "s" else []))
            assert reply.status == 422
            said.append(words(reply).replace(place.name, "").split("Nothing")[1])
    assert said[:3] == said[3:]
    assert not web.cloud.files


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.zip", zipped({"../x": b""}), "leads out of what was dropped"),
        ("a.tar", tarred({"/x": b""}, "w"), "leads out of what was dropped"),
        ("a.tar", tarred({"x": b""}, "w", tarfile.SYMTYPE), "x is a link or a device"),
        ("a.tar", tarred({"x": bytes(600)}, "w")[:700], "cannot be unpacked"),
        ("a.zip", zipped({"x": bytes(99)})[:-9], "cannot be unpacked"),
        ("a.zip", zipped({"bad.yaml": b"nam: x"}), "unknown field"),
    ],
)
@pytest.mark.thinned(3)
def test_archives_that_make_no_sense(web: Browser, name: str, content: bytes, says: str) -> None:
    """Refused whole (PA-7)."""
    reply = upload(web, ("good.png", PHOTO), (name, content))
    assert reply.status == 422
    assert says in words(reply)
    assert not web.cloud.files


def test_archives_have_bounds(web: Browser) -> None:
    """A small archive of very much is refused, before it fills the machine (PA-7)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.png", bytes(65 << 20))
    assert "holds more than" in words(upload(web, ("a.zip", out.getvalue())))
