"""`turnsmith review`: a fair, blind draw, and votes that come back as they were given."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.labels.making import label
from turnsmith.cli import app
from turnsmith.core.errors import EmptyResultError, InputError, UsageError
from turnsmith.labels import labeled_set
from turnsmith.labels.records import Label
from turnsmith.labels.review import SampleOptions, apply, consensus, read_votes, sample, stratum_of
from turnsmith.labels.review.voting import LONGEST_CELL, write_rows

LABELS = [
    label(n, soft_label=(n % 97) / 96, llm_vote=int(n % 97 >= 48), bucket=f"b{n % 2}", split="train")
    for n in range(2000)
]


def labeled(folder: Path, labels: list[Label] | None = None) -> Path:
    """Write a labeled set and return the folder around it."""
    labeled_set.write(folder / "labels", "set", labels or LABELS, {"canaries": 3})
    return folder / "labels"


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file as a spreadsheet sees them."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def key(row: dict[str, Any]) -> tuple[str, str]:
    """Return what names a turn."""
    return row["conversationId"], row["messageId"]


def test_every_stratum_gives_its_share(tmp_path: Path) -> None:
    """Of each bin of P(1), label and bucket the share is drawn, rounded up."""
    report = sample(labeled(tmp_path), tmp_path / "r.jsonl", SampleOptions(share=0.05))
    drawn = {
        key(json.loads(line)) for line in (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()
    }
    have = Counter(stratum_of(each) for each in LABELS)
    got = Counter(stratum_of(each) for each in LABELS if (each.conversation_id, each.message_id) in drawn)
    assert {stratum: -(-count // 20) for stratum, count in have.items()} == got
    assert report.drawn == got.total() == len(drawn)
    assert report.strata == len(have)


def test_rows_are_blind(tmp_path: Path) -> None:
    """Neither the judge's label nor anything else that tells it stands in the file, unless asked for."""
    folder = labeled(tmp_path)
    sample(folder, tmp_path / "r.csv")
    assert set(rows(tmp_path / "r.csv")[0]) == {
        "conversationId", "messageId", "turnIndex", "bucket", "request", "rater", "vote", "source",
    }  # fmt: skip
    sample(folder, tmp_path / "open.csv", SampleOptions(show_labels=True))
    assert {"llm_vote", "soft_label"} < set(rows(tmp_path / "open.csv")[0])


def test_two_raters_share_the_overlap(tmp_path: Path) -> None:
    """A fifth of the sample goes to both raters, the rest to one of them, in an order of each one's own."""
    report = sample(labeled(tmp_path), tmp_path / "r.csv", SampleOptions(share=0.1, raters=2, overlap=0.2))
    one, two = (rows(tmp_path / f"r.{n}.csv") for n in (1, 2))
    both = {key(row) for row in one} & {key(row) for row in two}
    assert len(both) == report.shared == round(0.2 * report.drawn)
    assert len({key(row) for row in one} | {key(row) for row in two}) == report.drawn
    assert abs(len(one) - len(two)) <= 1
    assert {row["rater"] for row in one} == {"1"}
    assert [key(row) for row in one if key(row) in both] != [key(row) for row in two if key(row) in both]


def test_same_seed_same_sample(tmp_path: Path) -> None:
    """A sample is the same for the same seed and another for another; a larger one holds the smaller one."""
    folder = labeled(tmp_path)
    plain, other = SampleOptions(), SampleOptions(seed=1)
    for name, options in {"a": plain, "b": plain, "c": other, "d": SampleOptions(share=0.1)}.items():
        sample(folder, tmp_path / f"{name}.csv", options)
    a, b, c = ((tmp_path / f"{name}.csv").read_bytes() for name in "abc")
    assert a == b != c
    small, large = ({key(row) for row in rows(tmp_path / f"{name}.csv")} for name in "ad")
    assert small < large


def test_most_bounds_the_sample(tmp_path: Path) -> None:
    """`most` lowers the share; strata still give one label each at least."""
    report = sample(labeled(tmp_path), tmp_path / "r.csv", SampleOptions(share=0.5, most=50))
    assert 50 <= report.drawn <= 50 + report.strata


def test_a_file_with_votes_is_not_overwritten(tmp_path: Path) -> None:
    """A file that is there may hold votes, so it stays."""
    folder = labeled(tmp_path)
    (tmp_path / "r.2.csv").write_text("votes")
    with pytest.raises(UsageError, match=r"r\.2\.csv: is there already"):
        sample(folder, tmp_path / "r.csv", SampleOptions(raters=2))
    assert not (tmp_path / "r.1.csv").exists()


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), min_size=1, max_size=5))
def test_ids_come_back_from_csv_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str]
) -> None:
    """Whatever an id holds, formulas, quotes and line ends included, it is read back as it was written."""
    path = tmp_path_factory.mktemp("csv") / "v.csv"
    names = [f"{each}x{number}" for number, each in enumerate(ids)]
    write_rows(path, [{"conversationId": each, "messageId": each, "vote": 1} for each in names])
    assert list(read_votes([path]).by_turn) == [(each, each) for each in names]


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(1)", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "\uff1d1"]
)
def test_cells_never_run(tmp_path: Path, text: str) -> None:
    """No cell begins with a sign of a formula."""
    path = tmp_path / "v.csv"
    write_rows(path, [{"conversationId": "c", "messageId": "m", "request": text, "vote": None}])
    assert rows(path)[0]["request"] == f"'{text}"


def test_long_requests_fit_a_cell(tmp_path: Path) -> None:
    """A request longer than a cell may be is shortened in its middle, and marked."""
    write_rows(tmp_path / "v.csv", [{"request": "a" * 100_000 + "z"}])
    text = rows(tmp_path / "v.csv")[0]["request"]
    assert len(text) <= LONGEST_CELL
    assert "shortened" in text
    assert text.endswith("z")


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_votes_are_read_as_spreadsheets_save_them(tmp_path: Path, mark: str) -> None:
    """Commas, semicolons or tabs, columns in another order, a mark in front: the votes are the same."""
    lines = [["vote", "messageId", "conversationId", "note"], ["1", "m1", "c", "x"], ["0", "m2", "c", ""]]
    (tmp_path / "ada.csv").write_text(
        "\ufeff" + "\r\n".join(mark.join(each) for each in lines), encoding="utf-8"
    )
    votes = read_votes([tmp_path / "ada.csv"])
    assert votes.by_turn == {("c", "m1"): {"ada": 1}, ("c", "m2"): {"ada": 0}}


def test_rows_without_a_use_are_counted(tmp_path: Path) -> None:
    """Rows without a vote, with a wrong one, with thumbs or without ids are left out under their reason."""
    given_rows: list[Any] = [
        {"conversationId": "c", "messageId": "1", "vote": 1},
        {"conversationId": "c", "messageId": "1", "vote": 0},
        {"conversationId": "c", "messageId": "2", "vote": None},
        {"conversationId": "c", "messageId": "3", "vote": "?"},
        {"conversationId": "c", "messageId": "4", "vote": 2},
        {"conversationId": "c", "messageId": "5", "vote": 0.7},
        {"conversationId": "c", "messageId": "6", "vote": 1, "source": "thumbs"},
        {"messageId": "7", "vote": 1},
        [],
    ]
    path = tmp_path / "v.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in given_rows) + "{", encoding="utf-8")
    votes = read_votes([path])
    assert votes.by_turn == {("c", "1"): {"v": 0}}
    assert votes.account.dropped == {
        "no vote": 2, "vote is not 0 or 1": 2, "thumbs, which tell satisfaction": 1,
        "no conversationId or messageId": 1,
    }  # fmt: skip
    assert votes.account.bad == {"no JSON object": 1, "no valid JSON": 1}
    assert votes.account.notes.total() == 1
    assert votes.account.samples["thumbs, which tell satisfaction"] == [f"{path}:7"]


def test_files_that_hold_no_votes_teach(tmp_path: Path) -> None:
    """A file that is not there, or without the columns, is named with the next step."""
    with pytest.raises(UsageError, match="no such file"):
        read_votes([tmp_path / "none.csv"])
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match=r"x\.csv:1: no column conversationId, messageId, vote"):
        read_votes([tmp_path / "x.csv"])


def test_consensus_needs_a_majority() -> None:
    """Most raters decide; a tie decides nothing."""
    assert (consensus({"a": 1}), consensus({"a": 1, "b": 0}), consensus({"a": 0, "b": 0, "c": 1})) == (
        1,
        None,
        0,
    )


def test_votes_are_applied_and_survive_in_the_report(tmp_path: Path) -> None:
    """Votes reach `vote` of their labels; the judge's label, its report and all other labels stay."""
    folder = labeled(tmp_path)
    path = tmp_path / "v.jsonl"
    turns = [LABELS[3], LABELS[4], LABELS[5]]
    given_votes = [(turns[0], "a", 1), (turns[1], "a", 0), (turns[1], "b", 1), (turns[2], "a", 0)]
    lines = [
        {"conversationId": each.conversation_id, "messageId": each.message_id, "rater": rater, "vote": vote}
        for each, rater, vote in given_votes
    ]
    lines.append({"conversationId": "elsewhere", "messageId": "m", "rater": "a", "vote": 1})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    report = apply(folder, read_votes([path]))
    assert (report.turns, report.applied, report.tied, report.not_in_the_set) == (4, 2, 1, 1)
    after = {each.message_id: each for each in labeled_set.read(folder)}
    assert len(after) == len(LABELS)
    assert {each.message_id: each.vote for each in after.values() if each.vote is not None} == {
        "m3": 1,
        "m5": 0,
    }
    assert after["m3"].llm_vote == LABELS[3].llm_vote
    assert labeled_set.report(folder)["canaries"] == 3
    assert labeled_set.report(folder)["votes"] == 2


def test_votes_on_another_set_change_nothing(tmp_path: Path) -> None:
    """Votes none of which is about the set are an error, and the set stays as it was."""
    folder = labeled(tmp_path)
    before = labeled_set.files(folder)[0].stat().st_mtime_ns
    path = tmp_path / "v.jsonl"
    path.write_text('{"conversationId": "x", "messageId": "y", "vote": 1}\n')
    with pytest.raises(EmptyResultError, match="none of the 1 turns"):
        apply(folder, read_votes([path]))
    assert labeled_set.files(folder)[0].stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("option", "value"),
    [("--share", "0"), ("--share", "1.5"), ("--raters", "0"), ("--overlap", "2"), ("--most", "0")],
)
def test_options_out_of_range_are_wrong_usage(tmp_path: Path, option: str, value: str) -> None:
    """A value out of range is exit code 2, and names the option."""
    result = CliRunner().invoke(
        app, ["review", "sample", str(labeled(tmp_path)), "--out", str(tmp_path / "r.csv"), option, value]
    )
    assert result.exit_code == 2
    assert option in result.output


def test_commands_round_trip(tmp_path: Path) -> None:
    """What `review sample` writes, filled in, is what `review apply` takes."""
    folder = labeled(tmp_path)
    path = tmp_path / "r.csv"
    result = CliRunner().invoke(app, ["review", "sample", str(folder), "--out", str(path), "--json"])
    assert result.exit_code == 0, result.output
    told = rows(path)
    for row in told:
        row["vote"] = "0"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(told[0]))
        writer.writeheader()
        writer.writerows(told)
    result = CliRunner().invoke(app, ["review", "apply", str(folder), str(path), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["applied"] == len(told) == labeled_set.report(folder)["votes"]


def test_broken_csv_is_named(tmp_path: Path) -> None:
    """A CSV that can't be read is an error with its place, never a traceback."""
    path = tmp_path / "v.csv.gz"
    path.write_bytes(b"no gzip")
    with pytest.raises(InputError, match=r"v\.csv\.gz"):
        read_votes([path])
