"""What the audit of pinned versions makes of a report."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
from audit import ACCEPTED, Finding, findings_in, judge, read_accepted

REPORT = [
    {"name": "sound", "version": "1.0", "vulns": []},
    {
        "name": "weak",
        "version": "2.0",
        "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.1"]}],
    },
]
WEAK = Finding("weak", "2.0", frozenset({"PYSEC-1", "CVE-1"}), ("2.1",))


def test_findings_are_read_with_all_their_names():
    assert findings_in(REPORT) == [WEAK]


@pytest.mark.parametrize(
    ("accepted", "code"), [({}, 1), ({"CVE-1": "not used"}, 0), ({"CVE-2": "another"}, 1)]
)
def test_only_what_is_accepted_passes(accepted, code, capsys):
    assert judge([WEAK], accepted, 2) == code
    said = capsys.readouterr().out
    assert "weak 2.0: CVE-1, PYSEC-1 (fixed in 2.1)" in said
    assert ("NOT ACCEPTED" in said) is bool(code)


def test_nothing_is_accepted_without_a_reason():
    assert read_accepted("# why\n\nCVE-1  not used\n") == {"CVE-1": "not used"}
    with pytest.raises(SystemExit, match="CVE-9"):
        read_accepted("CVE-9 \n")
    assert all(read_accepted(ACCEPTED.read_text("utf-8")).values())
