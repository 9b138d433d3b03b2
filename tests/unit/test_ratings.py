"""Ratings: files that people and pages write, what is wrong with some, and what they exclude."""

import json
from pathlib import Path
from typing import Any

import pytest
from ecdysis.bids.discovery import Exclusion, Image
from ecdysis.errors import InputError
from ecdysis.ratings import (
    Rating,
    by_image,
    check_known,
    from_json,
    leave_out,
    read_ratings,
    to_json,
)
from ecdysis.settings import resolve
from ecdysis.study import Study, open_study

from tests.unit.nifti_images import noise, save

HEAD = "image\trating\ttags\tnote\trater\ttime\n"


def _write(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    return [str(path)]


def _image(name: str) -> Image:
    entities, _, suffix = name.rpartition("_")
    subject = entities.split("_")[0]
    return Image(f"{subject}/anat", entities, suffix, subject.removeprefix("sub-"), None, name)


def test_tsv_and_json_say_the_same(tmp_path: Path) -> None:
    tsv = _write(
        tmp_path / "a.tsv",
        HEAD + 'sub-01_T1w\texclude\tmotion, ghost\trings — "all over"\tAnn\t2025-01-01T00:00:00Z\n'
        "sub-02_T1w\taccept\tn/a\tn/a\tAnn\tn/a\n",
    )
    rows = [
        {
            "image": "sub-01_T1w",
            "rating": "exclude",
            "tags": ["motion", "ghost"],
            "note": 'rings — "all over"',
            "rater": "Ann",
            "time": "2025-01-01T00:00:00Z",
        },
        {"image": "sub-02_T1w", "rating": "accept", "tags": [], "rater": "Ann"},
    ]
    content = {"format": "ecdysis-ratings", "version": 1, "ratings": rows}
    as_json = _write(tmp_path / "a.json", json.dumps(content))
    assert read_ratings(tsv) == read_ratings(as_json)
    assert from_json(to_json(read_ratings(tsv))) == read_ratings(tsv)


def test_two_columns_are_enough_and_a_folder_does_no_harm(tmp_path: Path) -> None:
    given = _write(tmp_path / "a.tsv", "image\trating\nsub-01/anat/sub-01_T1w\tunsure\n")
    assert read_ratings(given) == [Rating("sub-01_T1w", "unsure")]


def test_the_later_word_of_a_rater_counts(tmp_path: Path) -> None:
    files = [
        *_write(tmp_path / "a.tsv", HEAD + "sub-01_T1w\texclude\t\t\tAnn\t2025-01-02T00:00:00Z\n"),
        *_write(tmp_path / "b.tsv", HEAD + "sub-01_T1w\taccept\t\t\tAnn\t2025-01-01T00:00:00Z\n"),
    ]
    assert [one.rating for one in read_ratings(files)] == ["exclude"]
    assert read_ratings(files) == read_ratings(files[::-1])


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.tsv", "picture\trating\n", "lacks the column image"),
        ("a.tsv", "image\trating\nsub-01_T1w\tperhaps\n", "line 2.*'perhaps' is no rating"),
        ("a.tsv", "image\trating\nsub-01_T1w\n", "line 2.*as many cells"),
        ("a.tsv", "image\trating\n\taccept\n", "line 2.*does not name an image"),
        ("a.json", "{", "not JSON"),
        ("a.json", "[]", "not a file of ratings"),
        ("a.json", '{"format": "x", "ratings": []}', "not a file of ratings"),
        ("a.json", '{"format": "ecdysis-ratings", "ratings": [3]}', "not a file of ratings"),
        (
            "a.json",
            '{"format": "ecdysis-ratings", "ratings": [{"image": 3, "rating": "accept"}]}',
            "rating 1.*must be strings",
        ),
    ],
)
def test_the_fault_of_a_file_is_reported(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_ratings(_write(tmp_path / name, text))


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        read_ratings([tmp_path / "none.tsv"])


def test_an_unknown_image_is_reported_with_similar_names() -> None:
    with pytest.raises(InputError, match=r"sub-1_T1w.*sub-01_T1w"):
        check_known([Rating("sub-1_T1w", "accept")], ["sub-01_T1w"], lambda name: False)
    check_known([Rating("sub-01_T2w", "accept")], ["sub-01_T1w"], lambda name: True)


def test_one_exclude_excludes_and_the_others_are_named() -> None:
    ratings = [
        Rating("sub-01_T1w", "accept", rater="Bob"),
        Rating("sub-01_T1w", "exclude", ("motion",), "rings", "Ann"),
        Rating("sub-02_T1w", "unsure", rater="Bob"),
    ]
    assert [one.rater for one in by_image(ratings)["sub-01_T1w"]] == ["Ann", "Bob"]
    images, exclusions = leave_out([_image("sub-01_T1w"), _image("sub-02_T1w")], [], ratings)
    assert [image.entities for image in images] == ["sub-02"]
    assert exclusions == [
        Exclusion(
            "sub-01/anat/sub-01_T1w",
            "01",
            "Ann rated it exclude (motion): rings; raters disagree, and one exclude excludes:"
            " Bob rated it accept",
            fault=False,
            rated=True,
        )
    ]


def test_a_refused_image_that_is_rated_exclude_is_no_fault_any_more() -> None:
    refused = Exclusion("sub-01/anat/sub-01_T1w", "01", "It is cut short.")
    _, exclusions = leave_out([], [refused], [Rating("sub-01_T1w", "exclude", rater="Ann")])
    assert [item.fault for item in exclusions] == [False]
    assert exclusions[0].reason == "It is cut short. Ann rated it exclude"


def _dataset(root: Path, subjects: tuple[str, ...], suffix: str = "T1w") -> None:
    for label in subjects:
        folder = root / f"sub-{label}" / "anat"
        folder.mkdir(parents=True, exist_ok=True)
        save(folder / f"sub-{label}_{suffix}.nii.gz", noise((40, 40, 40)))


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    root = tmp_path / "study"
    _dataset(root, ("01", "02"))
    _dataset(root, ("02",), "T2w")
    return root


def _open(dataset: Path, ratings: list[str], **more: Any) -> Study:
    given = {"bids_dir": str(dataset), "ratings": ratings, "skullstrip": {"method": "none"}}
    return open_study(resolve(given | more, dataset.parent))


def test_a_rated_image_leaves_the_run_and_stands_in_the_manifest(
    dataset: Path, tmp_path: Path
) -> None:
    _write(tmp_path / "r.tsv", HEAD + "sub-01_T1w\texclude\t\trings\tAnn\t\n")
    study = _open(dataset, ["r.tsv"])
    assert [image.subject for image in study.images] == ["02"]
    assert not study.refused
    loaded = Study.load(study.settings)
    assert [item.reason for item in loaded.exclusions] == ["Ann rated it exclude: rings"]
    assert list(loaded.ratings) == [Rating("sub-01_T1w", "exclude", (), "rings", "Ann")]


def test_ratings_of_images_that_this_run_does_not_take_are_no_fault(
    dataset: Path, tmp_path: Path
) -> None:
    _write(tmp_path / "r.tsv", "image\trating\nsub-01_T1w\texclude\nsub-02_T2w\taccept\n")
    assert not _open(dataset, ["r.tsv"], participant_label=["02"]).exclusions
    _write(tmp_path / "r.tsv", "image\trating\nsub-02_T3w\taccept\n")
    with pytest.raises(InputError, match="nearest are sub-02_T1w"):
        _open(dataset, ["r.tsv"])
