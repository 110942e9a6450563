"""Pages are written whole, and over nothing but pages."""

from pathlib import Path

import pytest

from subbit.sw.errors import SubbitError
from subbit.sw.report.page import page
from subbit.sw.report.write import write_page


def test_an_older_page_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "inner" / "a.html"
    write_page(path, page("one", []))
    write_page(path, page("two", []))
    assert "<h1>two</h1>" in path.read_text()
    assert [file.name for file in path.parent.iterdir()] == ["a.html"]


@pytest.mark.parametrize("content", [b"", b"<html>mine</html>", b"\xff\x00"])
def test_a_file_of_the_users_is_kept(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_bytes(content)
    with pytest.raises(SubbitError, match=r"a\.html is there already, and is no page of subbit's"):
        write_page(path, page("one", []))
    assert path.read_bytes() == content


def test_a_folder_is_no_place(tmp_path: Path) -> None:
    with pytest.raises(SubbitError, match="name another place"):
        write_page(tmp_path, page("one", []))
