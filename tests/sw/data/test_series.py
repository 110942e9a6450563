"""The texts of .ts and .arff files."""

from pathlib import Path

import numpy as np
import pytest

from subbit.sw.data import prepare
from subbit.sw.data.kinds import KINDS, detect
from subbit.sw.data.series_text import Series, read_arff, read_ts, read_tsv
from subbit.sw.data.source import DataOptions
from subbit.sw.errors import DataError
from tests.sw.samples import message

PLACE = Path("a")
TS = """# by M\ufffdller
@problemName vowels
@timeStamps false
@univariate false
@classLabel true one two

@data
1,2,3:-1.5,0,1e2:two
4,5:6,7:one
"""
ARFF = """% a comment
@RELATION x
@attribute 'att 0' numeric
@attribute\tatt1\treal
@attribute target {1,'2'}
@data
1,2.5,1

-3,4,'2'
"""
RELATIONAL = """@relation x
@attribute all relational
  @attribute t0 numeric
  @attribute t1 numeric
@end all
@attribute class {a, b}
@data
'1,2\\n3,4',b
"5,6\\n7,8",a
"""


def rows(found: Series) -> list[list[list[float]]]:
    """All series as lists."""
    return [series.tolist() for series in found.series]


def test_ts_files() -> None:
    found = read_ts(PLACE, TS)
    assert rows(found) == [[[1, 2, 3], [-1.5, 0, 100]], [[4, 5], [6, 7]]]
    assert (found.labels, found.lines, found.classes) == (["two", "one"], [8, 9], ["one", "two"])


def test_arff_files_of_one_channel() -> None:
    found = read_arff(PLACE, ARFF)
    assert rows(found) == [[[1, 2.5]], [[-3, 4]]]
    assert (found.labels, found.lines, found.classes) == (["1", "2"], [7, 9], ["1", "2"])


def test_arff_files_of_several_channels() -> None:
    found = read_arff(PLACE, RELATIONAL)
    assert rows(found) == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert (found.labels, found.classes) == (["b", "a"], ["a", "b"])


def test_a_folder_with_both_files_keeps_their_split(tmp_path: Path) -> None:
    head = "@classLabel true b a\n@data\n"
    (tmp_path / "V_TRAIN.ts").write_bytes(b"# M\xfcller\n" + head.encode() + b"1,2:a\n3,4,5:b\n")
    (tmp_path / "V_TEST.ts").write_text(head + "6,7,8,9:b\n")
    kind = KINDS["series"]
    assert (kind.is_it(tmp_path), kind.parts(tmp_path)) == (True, ("train", "test"))
    reading = kind.look(tmp_path, DataOptions())
    assert reading == {"length": 3, "channels": 1}
    train, test = (kind.open(tmp_path, part, reading).dataset() for part in ("train", "test"))
    assert train.classes == test.classes == ("b", "a")
    assert train.labels.tolist() == [1, 0]
    wanted = np.array([[1, 2, 0], [3, 4, 5], [6, 7, 8]], float)
    assert np.array_equal(np.concatenate([train.images, test.images])[:, :, 0, 0], wanted)
    assert kind.parts(tmp_path / "V_TRAIN.ts") == ("train", "test")
    assert kind.parts(tmp_path / "V_TEST.ts") == ("all",)
    (tmp_path / "W_TRAIN.ts").write_text(head)
    (tmp_path / "W_TEST.ts").write_text(head)
    text = message(lambda: kind.look(tmp_path, DataOptions()), DataError)
    assert "must have one pair of files NAME_TRAIN.ts and NAME_TEST.ts (or .arff); it has V" in text


def test_tsv_files_have_the_class_first(tmp_path: Path) -> None:
    found = read_tsv(PLACE, "2\t1\t-2.5\n1\t3\tNaN\n")
    assert (rows(found), found.labels) == ([[[1, -2.5]], [[3]]], ["2", "1"])
    text = message(lambda: read_tsv(PLACE, "1\tNaN\t3\n"), DataError)
    assert text == "a, line 1: it holds NaN or infinite numbers; leave the series out"
    first = tmp_path / "E_TRAIN.tsv"
    first.write_text("1\t1\t2\n2\t3\t4\n")
    (tmp_path / "E_TEST.tsv").write_text("2\t5\t6\n")
    assert detect(first).name == detect(tmp_path).name == "series"
    for place in (first, tmp_path):
        found_ = prepare(place)
        assert (found_.description.split, found_.test.labels.tolist()) == (None, [1])
        assert found_.classes == ("1", "2")


@pytest.mark.parametrize("cells", ["", "1,2:", "'1,2"])
def test_lines_that_are_none(cells: str) -> None:
    text = RELATIONAL[: RELATIONAL.index("'1")] + (cells or "x") + "\n"
    assert message(lambda: read_arff(PLACE, text), DataError).startswith("a, line 8: ")
