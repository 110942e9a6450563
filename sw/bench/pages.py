"""The pages of the documentation with their tables filled in.

python -m subbit.sw.bench.pages                    # fill in all pages
python -m subbit.sw.bench.pages  --check            # exits with 1 where a page would change
python -m subbit.sw.bench.pages  --measure NAME...  # first run these measurements again
"""

import sys
from pathlib import Path

import click

from subbit.sw.atomic import write_atomic
from subbit.sw.bench.doc_tables import TABLES
from subbit.sw.bench.records import load_record, measure, save_record
from subbit.sw.bench.tables import fill, load_records
from subbit.sw.errors import SubbitError

__all__ = ["stale_pages"]

DOCS = Path("docs")


def stale_pages(docs: Path = DOCS) -> dict[Path, str]:
    """The pages below a folder that are not up to date, and what they should say.

    Raises SubbitError.
    """
    records = load_records(docs / "measurements")
    found = {}
    for page in sorted(docs.rglob("*.md")):
        text = page.read_text()
        wanted = fill(text, TABLES, records)
        if wanted != text:
            found[page] = wanted
    return found


@click.command()
@click.option(
    "--check", is_flag=True, help="Change nothing; exit with 1 where a page would change."
)
@click.option("--measure", "names", multiple=True, help="Run this measurement again first.")
def main(check: bool, names: tuple[str, ...]) -> None:
    """Fill in the tables of the documentation from docs/measurements/."""
    try:
        for name in names:
            record = load_record(DOCS / "measurements" / f"{name}.json")
            save_record(measure(record), DOCS / "measurements")
        stale = stale_pages()
    except SubbitError as error:
        raise click.ClickException(str(error)) from error
    for page, text in stale.items():
        click.echo(f"{page}: {'not up to date, run make tables' if check else 'filled in'}")
        if not check:
            write_atomic(page, text)
    sys.exit(1 if check and stale else 0)


if __name__ == "__main__":
    main()
