"""One status for each image, from stages, self-check, flags, ratings and exclusions."""

import pytest
from ecdysis.bids.discovery import Exclusion
from ecdysis.quality.outliers import Flag
from ecdysis.ratings import Rating
from ecdysis.report.records import load_run
from ecdysis.report.status import Status, Verdict, counts_of, entries_of, has_problems, judge

from tests.unit.made_output import MadeOutput

FLAG = Flag("cjv", 0.9, 5.1, 31, "31 T1w images")


def verdict_of(made: MadeOutput, flags: tuple[Flag, ...] = ()) -> Verdict:
    """Return the verdict of the only image."""
    return entries_of(load_run(made.root), {"sub-01_T1w": flags})[0].verdict


def checked(made: MadeOutput, verdict: str) -> None:
    name = made.image("01")
    made.finish(name)
    check = {"verdict": verdict, "reasons": ["volume of the mask in ml is 80"]}
    made.record(name, "skullstrip", details={"check": check})


def test_a_finished_image_is_done(made: MadeOutput) -> None:
    made.finish(made.image("01"))
    assert verdict_of(made) == Verdict(Status.DONE)


@pytest.mark.parametrize(
    ("verdict", "status"),
    [("ok", Status.DONE), ("look", Status.REVIEW), ("fail", Status.FAILED)],
)
def test_the_self_check_counts(made: MadeOutput, verdict: str, status: Status) -> None:
    checked(made, verdict)
    assert verdict_of(made).status is status
    assert has_problems(entries_of(load_run(made.root), {})) is (verdict == "fail")


def test_a_failed_check_without_reasons_still_has_one(made: MadeOutput) -> None:
    checked(made, "fail")
    made.record("sub-01/anat/sub-01_T1w", "skullstrip", details={"check": {"verdict": "fail"}})
    assert verdict_of(made).reasons == ("skull stripping: the self-check did not pass",)


def test_a_flag_or_a_warning_asks_for_a_review(made: MadeOutput) -> None:
    name = made.image("01")
    made.finish(name)
    assert verdict_of(made, (FLAG,)) == Verdict(Status.REVIEW, (FLAG.sentence(),))
    made.record(name, "crop", details={"Warnings": ["no head stands out"]})
    assert verdict_of(made) == Verdict(Status.REVIEW, ("crop: no head stands out",))
    made.record(
        name, "crop", details={"Warnings": ["trailing dimensions of 1 were removed from x"]}
    )
    assert verdict_of(made).status is Status.DONE


def test_a_stage_that_failed_or_was_interrupted_fails_the_image(made: MadeOutput) -> None:
    name = made.image("01")
    made.finish(name)
    made.record(name, "crop", "failed", reason="no voxel is left")
    assert verdict_of(made) == Verdict(Status.FAILED, ("crop: no voxel is left",))
    made.record(name, "crop", "running")
    assert verdict_of(made).status is Status.FAILED


def test_an_image_without_results_is_pending(made: MadeOutput) -> None:
    made.image("01")
    assert verdict_of(made).status is Status.PENDING


def test_a_rating_settles_a_review_but_no_failure(made: MadeOutput) -> None:
    def rated(rating: str) -> Status:
        said = (Rating("sub-01_T1w", rating, rater="Ann"),)  # type: ignore[arg-type]
        image = load_run(made.root).subjects[0].images[0]
        return judge(image, (), (FLAG,), said).status

    checked(made, "ok")
    assert (rated("accept"), rated("unsure")) == (Status.DONE, Status.REVIEW)
    made.record("sub-01/anat/sub-01_T1w", "skullstrip", details={"check": {"verdict": "fail"}})
    assert rated("accept") is Status.FAILED


def test_what_is_not_processed_has_one_of_three_statuses() -> None:
    image = "sub-01/anat/sub-01_T1w"
    assert judge(Exclusion(image, "01", "a rating", rated=True)).status is Status.EXCLUDED
    assert judge(Exclusion(image, "01", "cut short")).status is Status.UNREADABLE
    assert judge(Exclusion(None, "01", "no T1w", fault=False)).status is Status.NOT_APPLICABLE


def test_counts_are_of_all_images_and_the_most_urgent_comes_first(made: MadeOutput) -> None:
    made.finish(made.image("01"))
    made.image("02")
    made.exclude("03", "sub-03/anat/sub-03_T1w", "cut short")
    entries = entries_of(load_run(made.root), {})
    assert list(counts_of(entries).items()) == [("unreadable", 1), ("pending", 1), ("done", 1)]


def test_a_session_that_failed_fails_its_own_images_alone(made: MadeOutput) -> None:
    for session in "12":
        made.finish(made.image("01", session, "dicom"))
        made.session(f"sub-01_ses-{session}")
    made.session("sub-01_ses-3")
    for session in "13":
        made.record(f"sub-01_ses-{session}", "deidentify", "failed", reason="refused")
    statuses = {entry.name: entry.status for entry in entries_of(load_run(made.root), {})}
    assert statuses == {
        "sub-01_ses-1_T1w": "failed", "sub-01_ses-2_T1w": "done", "sub-01_ses-3": "failed",
    }  # fmt: skip


def test_a_failed_check_needs_review_only_if_the_settings_say_so(made: MadeOutput) -> None:
    checked(made, "fail")
    entry = entries_of(load_run(made.root), {})[0]
    assert entry.status is Status.FAILED
    assert judge(entry.item, on_fail="flag").status is Status.REVIEW
