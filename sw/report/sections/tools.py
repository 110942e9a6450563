"""What made the page, and of what: tools, versions and digests."""

import hashlib
from typing import Any

import subbit
from subbit.sw.lower.plan import plan_text
from subbit.sw.report.subject import Subject

__all__ = ["section"]


def section(subject: Subject) -> dict[str, Any]:
    """``rows``: name and value of each."""
    rows = [
        ("subbit", subbit.__version__),
        ("board", f"{subject.board.title} ({subject.board.name})"),
        ("digest of the network", subject.network.digest),
    ]
    if subject.planned:
        text = plan_text(subject.planned.plan)
        rows.append(("SHA-256 of the plan", hashlib.sha256(text.encode()).hexdigest()))
    if subject.built:
        summary = subject.built.summary
        rows.append(("SHA-256 of the bitstream", str(summary["bitstream_sha256"])))
        rows.append(("seed of place and route", str(summary.get("seed"))))
        rows += sorted((str(k), str(v)) for k, v in summary.get("tools", {}).items())
    return {"rows": rows}
