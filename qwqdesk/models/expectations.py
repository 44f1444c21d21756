"""What to expect of a quantization, in a few words: for a table's cell and for a suggestion.

The order of quality is that of llama.cpp's own measurements of perplexity for each type (its
tools/quantize README); the words say what it means for long reasoning and for code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from qwqdesk.models.quants import base_type, is_foreign

EXPECTATIONS: Mapping[str, str] = {
    "F32": "The original weights, twice as large",
    "F16": "The original weights",
    "BF16": "The original weights",
    "Q8_0": "Practically the original",
    "Q8_1": "Not made for files",
    "Q8_K": "Not made for files",
    "Q6_K": "Hard to tell from the original",
    "Q5_K_M": "Very close to the original",
    "Q5_K": "Very close to the original",
    "Q5_K_S": "Close to the original",
    "Q5_1": "Older type, Q5_K_M is better",
    "Q5_0": "Older type, Q5_K_S is better",
    "Q4_K_XL": "A little above Q4_K_M",
    "Q4_K_L": "A little above Q4_K_M",
    "Q4_K_M": "Good for most work",
    "Q4_K": "Good for most work",
    "Q4_K_S": "A little below Q4_K_M",
    "Q4_1": "Older type, Q4_K_M is better",
    "Q4_0": "Older type, quick on a CPU",
    "IQ4_NL": "Near Q4_K_S, quick on ARM",
    "IQ4_XS": "Near Q4_K_M, slower on CPU",
    "MXFP4": "As the model was released",
    "NVFP4": "For recent NVIDIA GPUs",
    "Q3_K_XL": "Usable, mistakes in long code",
    "Q3_K_L": "Usable, mistakes in long code",
    "Q3_K_M": "Usable, mistakes in long code",
    "Q3_K": "Usable, mistakes in long code",
    "Q3_K_S": "Weak, for very little memory",
    "IQ3_M": "Usable, slower on CPU",
    "IQ3_S": "A little below IQ3_M",
    "IQ3_XS": "Weak, slower on CPU",
    "IQ3_XXS": "Weak, slower on CPU",
    "Q2_K_XL": "Weak, better than Q2_K",
    "Q2_K_L": "Weak, code suffers",
    "Q2_K": "Clearly weaker, code suffers",
    "Q2_K_S": "Clearly weaker, code suffers",
    "IQ2_M": "Clearly weaker, code suffers",
    "IQ2_S": "Much weaker, last resort",
    "IQ2_XS": "Much weaker, last resort",
    "IQ2_XXS": "Much weaker, last resort",
    "IQ1_M": "For experiments only",
    "IQ1_S": "For experiments only",
    "TQ1_0": "For models trained with 3 values",
    "TQ2_0": "For models trained with 3 values",
    "Q1_0": "For models trained with 1 bit",
    "Q2_0": "For models trained with 2 bits",
}
_PREFIX = re.compile(r"^(UD-|i1-)")
_REPACKED = re.compile(r"_[48]_[48]$")


def expectation(label: str) -> str:
    """A few words about a label (`UD-Q4_K_XL` too); empty for one that is not known."""
    name = _PREFIX.sub("", label)
    if _REPACKED.search(name):
        return "Older layout, no longer loaded"
    if is_foreign(name):
        return "For another program"
    return EXPECTATIONS.get(name) or EXPECTATIONS.get(base_type(label), "")
