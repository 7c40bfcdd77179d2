"""What FMA's licence texts allow: may a model learn from the recording?

The rule, on the text without case, hyphens and surplus blanks, first match:

1. "Download Only", "FMA-Limited" or "All Rights Reserved": restricted.
2. NoDerivatives in any spelling, its nickname "Music Sharing" included: unknown, since whether a trained model is a
   derivative of what it heard is not settled.
3. Creative Commons Attribution (with NonCommercial, ShareAlike, or both), CC0 and public domain: allowed. The terms
   stay: who trains on a NonCommercial recording must not sell the result.
4. Anything else, no text included: unknown.
"""

from __future__ import annotations

import re

RESTRICTED = re.compile(r"\bdownload only\b|\bfma limited\b|\ball rights reserved\b")
NO_DERIVATIVES = re.compile(r"\bno ?deriv|\bmusic sharing\b|\bby (nc )?nd\b")
OPEN = re.compile(r"^(creative commons )?attribution\b|^(cc|creative commons) by\b|^cc ?0\b|\bcc0\b|\bpublic domain\b")


def ml_use_of(licence: str) -> str:
    """Return the `tables.ML_USES` value of a licence text."""
    text = " ".join(re.sub(r"[-_/]", " ", licence).casefold().split())
    if RESTRICTED.search(text):
        return "restricted"
    if NO_DERIVATIVES.search(text):
        return "unknown"
    return "allowed" if OPEN.search(text) else "unknown"
