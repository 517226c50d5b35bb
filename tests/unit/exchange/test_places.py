"""Where the images of a file are now."""

from __future__ import annotations

import os
import shutil
import unicodedata
from typing import TYPE_CHECKING

import pytest

from fakeviam.exchange.places import ImageResolver, ResolvedImage
from fakeviam.model.read_options import ReadOptions
from fakeviam.seeds.diagnostics import SourceLocation

if TYPE_CHECKING:
    from pathlib import Path

AT = SourceLocation(file="list")


def tree(folder: Path, *paths: str) -> None:
    """Files whose contents are their own paths."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)


def resolved(folder: Path, *names: str, file: str = "list.json", images: str = "") -> list[str]:
    """The contents of what each name leads to, or the text of the error."""
    resolver = ImageResolver(folder / file, ReadOptions(images=folder / images if images else None))
    found = resolver.resolve([(name, AT) for name in names])
    return [
        each.path.read_text() if isinstance(each, ResolvedImage) else str(each) for each in found
    ]


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("a.png", "a.png"),
        ("./a.png", "a.png"),
        ("a.png", "images/a.png"),
        ("a.png", "data/a.png"),
        ("cam/a.png", "images/cam/a.png"),
        ("images/a.png", "images/a.png"),
        ("images\\cam\\a.png", "images/cam/a.png"),
        ("C:\\Users\\bob\\set\\images\\a.png", "images/a.png"),
        ("C:/Users/bob/set/images/a.png", "images/a.png"),
        ("\\\\server\\share\\images\\a.png", "images/a.png"),
        ("/home/bob/set/images/a.png", "images/a.png"),
        ("/home/bob/set/a.png", "images/a.png"),
        ("set/images/a.png", "images/a.png"),
        ("../../media/upload/3/a.png", "images/a.png"),
        ("file:///home/bob/images/a.png", "images/a.png"),
        ("https://example.com/b/images/a.png?x=1", "images/a.png"),
        ("s3://bucket/images/a.png", "images/a.png"),
        ("/data/local-files/?d=images/a.png", "images/a.png"),
        ("images/a%20b.png", "images/a b.png"),
        ("images/a%20b.png", "images/a%20b.png"),
        ("images/A.PNG", "images/a.png"),
        ("a.png", "sub/deep/a.png"),
        ("a\\b.png", "a\\b.png"),
    ],
)
def test_paths_of_all_kinds(tmp_path: Path, name: str, there: str) -> None:
    """As it stands, by Windows, of another machine, as a URL (SE-7)."""
    tree(tmp_path, there)
    assert resolved(tmp_path, name) == [there]


@pytest.mark.parametrize(
    ("file", "there"),
    [
        ("annotations/instances_val.json", "images/a.png"),
        ("annotations/instances_val2017.json", "val2017/a.png"),
        ("annotations/instances_val.json", "images/val/a.png"),
        ("annotations/instances_default.json", "images/a.png"),
        ("annotations/list.json", "a.png"),
        ("Annotations/val.json", "val/images/a.png"),
        ("train_annotations.coco.json", "train/a.png"),
        ("val.json", "images/val/a.png"),
    ],
)
def test_beside_the_folder_of_annotations(tmp_path: Path, file: str, there: str) -> None:
    """And in the folder of its split (SE-7)."""
    tree(tmp_path, there, file)
    assert resolved(tmp_path, "a.png", file=file) == [there]


def test_a_split_is_not_taken_for_another(tmp_path: Path) -> None:
    """Both splits hold a file of that name (SE-7)."""
    tree(tmp_path, "train/a.png", "val/a.png", "annotations/x.json")
    assert resolved(tmp_path, "a.png", file="annotations/instances_val.json") == ["val/a.png"]
    (told,) = resolved(tmp_path, "a.png")
    assert "'a.png' could be any of " in told
    assert told.endswith("set images to the folder")
    assert resolved(tmp_path, "a.png", images="train") == ["train/a.png"]


def test_names_that_are_written_otherwise(tmp_path: Path) -> None:
    """NFC and NFD are the same; case decides only where nothing else does (SE-7)."""
    composed, apart = (unicodedata.normalize(form, "Käse.png") for form in ("NFC", "NFD"))
    tree(tmp_path, f"x/{apart}")
    assert resolved(tmp_path, f"x/{composed}") == [f"x/{apart}"]
    tree(tmp_path, "y/a.png", "y/A.png")
    assert resolved(tmp_path, "y/A.png", "y/a.png") == ["y/A.png", "y/a.png"]
    tree(tmp_path, "z/ab.png", "z/AB.png")
    assert "could be any of" in resolved(tmp_path, "z/Ab.png")[0]


@pytest.mark.parametrize(
    ("names", "there"),
    [
        # The place of one prefix is the place of all.
        (["/x/out/data/cam/a.png", "/x/out/data/a.png", "/x/out/data/b.png"], ["data/a.png"]),
        (["train/a.png"], ["train/b.png", "images/a.png"]),
        (["train/a.png", "a.png"], ["a.png"]),
        (["x/a.png", "y/a.png"], ["images/a.png"]),
        (["a.png"], ["images/a.png", "data/a.png"]),
        (["a.png"], ["p/a.png", "q/a.png"]),
        (["ata/a.png"], ["data/b.png"]),
        (["a.png"], ["ba.png"]),
        (["a.png"], ["a.png.bak", "a"]),
        (["images"], ["images/a.png"]),
        (["images/"], ["images/a.png"]),
        (["list.json"], []),
        (["a\0.png", "x" * 5000, ".", "..", "/", "?", "http://[", "%00"], []),
    ],
)
def test_an_error_beats_a_guess(tmp_path: Path, names: list[str], there: list[str]) -> None:
    """The first name is refused, with its line (SE-7)."""
    tree(tmp_path, *there, "list.json")
    told = resolved(tmp_path, *names)
    assert told[0].startswith("list: ")
    if not there:
        assert all(each.startswith("list: no file ") for each in told)


def test_an_export_in_folders_called_data(tmp_path: Path) -> None:
    """Its end exists twice, and only one place is right for all (SE-7)."""
    there = ["data/a.png", "data/data/a.png", "data/data/data/a.png"]
    tree(tmp_path, *there)
    assert resolved(tmp_path, *(f"/gone/data/{name}" for name in there)) == there


def test_a_path_of_this_machine(tmp_path: Path) -> None:
    """It is taken as it stands, unless a copy beside the file is another (SE-7)."""
    tree(tmp_path / "old", "data/a.png", "data/deep/b.png")
    names = [str(tmp_path / "old" / name) for name in ("data/a.png", "data/deep/b.png")]
    (tmp_path / "empty").mkdir()
    assert resolved(tmp_path / "empty", *names) == ["data/a.png", "data/deep/b.png"]
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    found = ImageResolver(tmp_path / "new/list.json").resolve([(name, AT) for name in names])
    assert [each.name for each in found if isinstance(each, ResolvedImage)] == [
        "data/a.png",
        "data/deep/b.png",
    ]
    (tmp_path / "new/data/a.png").write_text("changed")
    assert "could be any of" in resolved(tmp_path / "new", names[0])[0]


def test_links_and_loops(tmp_path: Path) -> None:
    """A loop is no file; a link is what it leads to (SE-7)."""
    tree(tmp_path, "real/a.png")
    (tmp_path / "images").symlink_to("real")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "again").symlink_to(".")
    assert resolved(tmp_path, "a.png") == ["real/a.png"]
    assert "no file 'loop'" in resolved(tmp_path, "loop")[0]


def test_names_that_are_not_text(tmp_path: Path) -> None:
    """Others in the folder do not hinder (SE-7)."""
    tree(tmp_path, "a.png")
    try:
        (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes text only")
    assert resolved(tmp_path, "a.png") == ["a.png"]
    assert "no file '\ufffd.png'" in resolved(tmp_path, "\ufffd.png")[0]
