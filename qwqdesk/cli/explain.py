"""`qwqdesk explain`: what each step of a chain does. No model is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qwqdesk.cli import common
from qwqdesk.cli.output import print_json, write_out
from qwqdesk.lane_setup import LaneSetup
from qwqdesk.paths import DataDirs
from qwqdesk.sampling.effective import EffectiveChain, effective_chain
from qwqdesk.sampling.formats.export_args import to_llama_args

HELP = "usage: qwqdesk explain [--recipe NAME] [FLAGS] [--json]"
_MARKS = {"active": "*", "neutral": "o", "absent": "-", "selecting": "#"}


def run(argv: Sequence[str], dirs: DataDirs) -> int:
    """Run the command; returns the exit status."""
    args = common.parse(argv, words=0)
    if args.switch("help"):
        return common.show_help(HELP, groups=("sampling",))
    recipe = common.recipes(dirs).named(args.recipe) if args.recipe else None
    resolved = LaneSetup("A", recipe, args.sampling).resolved()
    chain = resolved.chain
    effective = effective_chain(chain, resolved.sources)
    effective = replace(effective, warnings=args.warnings + effective.warnings)
    llama_args = to_llama_args(chain)
    if args.switch("json"):
        print_json({**effective.to_json(), "samplers": chain.order_text, "llama_args": llama_args})
    else:
        write_out(_text(effective) + f"\n{llama_args}\n")
    return 0


def _text(effective: EffectiveChain) -> str:
    lines = []
    for step in effective.steps:
        place = f"{step.position + 1:>2}" if step.position is not None else "  "
        mark = _MARKS[step.state]
        lines.append(f"{place} {mark} {step.sampler:<12} {step.state:<10} {step.why}")
    lines += [f"\nwarning: {warning.text}" for warning in effective.warnings]
    return "\n".join(lines) + "\n"
