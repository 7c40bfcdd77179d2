"""Text that a terminal can be given, whatever it is able to show."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from soundatlas.plain_text import printable_lines


def test_control_characters_are_replaced():
    """What a terminal would obey is no more than a mark; lines stay lines."""
    assert printable_lines("a\x1b[31m\nb\x07") == "a\N{REPLACEMENT CHARACTER}[31m\nb\N{REPLACEMENT CHARACTER}"


def test_what_the_encoding_lacks_is_spelled_out_as_in_json():
    """Where standard output knows ASCII alone, JSON is JSON still, and says the same."""
    script = (
        "import json\n"
        "from soundatlas.reporting import reporting_faults\n"
        "with reporting_faults():\n"
        "    print(json.dumps('\\xe9\\u2713\\U0001d11e', ensure_ascii=False))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, check=True
    )
    assert told.stdout.isascii()
    assert json.loads(told.stdout) == "\xe9\u2713\U0001d11e"
