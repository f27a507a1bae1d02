"""The examples run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_fine_tuning_on_emoji() -> None:
    pytest.importorskip("PIL", reason="pillow is not installed")
    run = subprocess.run(
        [sys.executable, EXAMPLES / "finetune_emoji.py", "--quick"], capture_output=True, text=True, timeout=600, check=True
    )
    for name in ("before", "flat, a quarter", "coarse labels", "flat, all", "superclasses, all"):
        shares = re.search(rf"^{name} +([\d.]+) +([\d.]+) +([\d.]+)$", run.stdout, re.MULTILINE)
        assert shares, run.stdout
        assert all(0 <= float(share) <= 100 for share in shares.groups())
