"""Owns the table of TeX commands that stand for one sign, a space, an accent or a function."""

from __future__ import annotations

_GREEK = (
    "alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι "
    "kappa κ lambda λ mu μ nu ν xi ξ pi π rho ρ sigma σ tau τ upsilon υ phi φ varphi φ chi χ psi ψ "
    "omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Phi Φ Psi Ψ Omega Ω ell ℓ hbar ℏ"
)
_SIGNS = (
    "cdot · times × div ÷ pm ± mp ∓ ast ∗ circ ∘ le ≤ leq ≤ leqslant ≤ ge ≥ geq ≥ geqslant ≥ "
    "ne ≠ neq ≠ lt < gt > approx ≈ equiv ≡ sim ∼ cong ≅ propto ∝ to → rightarrow → leftarrow ← "
    "gets ← leftrightarrow ↔ Rightarrow ⇒ implies ⟹ impliedby ⟸ Leftarrow ⇐ Leftrightarrow ⇔ "
    "iff ⟺ mapsto ↦ longrightarrow → in ∈ notin ∉ subset ⊂ subseteq ⊆ supset ⊃ supseteq ⊇ "
    "cup ∪ cap ∩ setminus ∖ emptyset ∅ varnothing ∅ infty ∞ partial ∂ nabla ∇ forall ∀ exists ∃ "
    "land ∧ wedge ∧ lor ∨ vee ∨ lnot ¬ neg ¬ oplus ⊕ otimes ⊗ sum ∑ prod ∏ int ∫ iint ∬ oint ∮ "
    "ldots … dots … dotsc … dotsb ⋯ cdots ⋯ vdots ⋮ mid ∣ nmid ∤ parallel ∥ perp ⊥ angle ∠ "
    "degree ° triangle △ square □ star ⋆ bullet • langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ "
    "rceil ⌉ lbrace { rbrace } vert | Vert ‖ lvert | rvert | backslash \\ prime ′ therefore ∴ "
    "because ∵ checkmark ✓ colon :"
)


def _table(words: str) -> dict[str, str]:
    parts = words.split()
    return {"\\" + name: sign for name, sign in zip(parts[::2], parts[1::2], strict=False)}


SYMBOLS: dict[str, str] = (
    _table(_GREEK)
    | _table(_SIGNS)
    | {"\\" + sign: sign for sign in "{}$%&#_"}
    | {"\\|": "‖", "\\-": "−"}
)
SPACES: dict[str, float] = {
    "\\,": 0.17,
    "\\:": 0.22,
    "\\;": 0.28,
    "\\ ": 0.25,
    "\\quad": 1.0,
    "\\qquad": 2.0,
    "\\hfill": 1.0,
    "~": 0.25,
}
ACCENTS: dict[str, str] = {
    "\\hat": "\u0302",
    "\\bar": "\u0304",
    "\\overline": "\u0305",
    "\\tilde": "\u0303",
    "\\vec": "\u20d7",
    "\\dot": "\u0307",
    "\\ddot": "\u0308",
    "\\underline": "\u0332",
    "\\mathop": "",
}
_FUNCTION_NAMES = (
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp lim max min gcd lcm "
    "det dim ker deg arg sup inf mod bmod Pr"
)
FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
