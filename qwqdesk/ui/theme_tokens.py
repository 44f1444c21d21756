"""The colours of the two themes: one table, and the contrast that it must keep.

Ratios follow WCAG 2: 4.5 for text, 3 for outlines and marks.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Tokens:
    """One theme's colours as `#RRGGBB`; the comment says where each is used."""

    window: str  # window, toolbar, composer band, user message
    sidebar: str
    surface: str  # lanes, cards, tables: where one reads
    sunken: str  # code, wells, table heads
    raised: str  # fields, menus, popups, dialogs
    hover: str
    line: str  # hairlines
    line_strong: str  # splitter under the pointer, outlines of chips
    control: str  # outline of fields and check boxes
    text: str
    text2: str  # secondary text, icons
    text3: str  # captions, placeholders, line numbers
    accent: str  # primary button, selection mark, progress
    on_accent: str
    accent_tint: str  # selected row, active segment
    accent_text: str  # text on accent_tint, links
    good: str
    good_tint: str
    warn: str
    warn_tint: str
    bad: str
    bad_tint: str
    lane_a: str
    lane_a_tint: str
    lane_b: str
    lane_b_tint: str
    lane_c: str
    lane_c_tint: str
    lane_d: str
    lane_d_tint: str
    diff_a: str  # words only in A, solid underline
    diff_b: str  # words only in this lane, dashed underline
    diff_a_line: str
    diff_b_line: str
    heat1: str  # token probability 0.5 to 0.8
    heat2: str  # 0.2 to 0.5
    heat3: str  # 0.05 to 0.2
    heat4: str  # under 0.05
    bar: str
    bar_on: str
    focus: str
    syn_kw: str
    syn_str: str
    syn_num: str
    syn_fn: str
    syn_com: str

    def as_dict(self) -> dict[str, str]:
        """Token names to colours, for templates."""
        return asdict(self)


LIGHT = Tokens(
    window="#F3F1EC",
    sidebar="#EAE7E0",
    surface="#FEFDFB",
    sunken="#F6F4EF",
    raised="#FFFFFF",
    hover="#EFECE6",
    line="#E2DED5",
    line_strong="#CBC5B9",
    control="#878174",
    text="#1E1C18",
    text2="#544F46",
    text3="#696358",
    accent="#0D6670",
    on_accent="#FFFFFF",
    accent_tint="#DBEBEA",
    accent_text="#0A5660",
    good="#1D6E42",
    good_tint="#E0F0E5",
    warn="#7D4C00",
    warn_tint="#FBEFD5",
    bad="#A8261C",
    bad_tint="#FBE6E3",
    lane_a="#1F5FA8",
    lane_a_tint="#E0EBF8",
    lane_b="#9B2F76",
    lane_b_tint="#F8E4F0",
    lane_c="#4A6A12",
    lane_c_tint="#E9F0D8",
    lane_d="#6240B0",
    lane_d_tint="#EBE5F8",
    diff_a="#D3E5F9",
    diff_b="#FCDDBD",
    diff_a_line="#1F5FA8",
    diff_b_line="#9A4E00",
    heat1="#FBF3DC",
    heat2="#F8E3B0",
    heat3="#F3CB7E",
    heat4="#EDAE55",
    bar="#BCD6F2",
    bar_on="#9ED3D2",
    focus="#0D6670",
    syn_kw="#7A2E8E",
    syn_str="#2F6B1E",
    syn_num="#9A4500",
    syn_fn="#1F5FA8",
    syn_com="#6B665B",
)

DARK = Tokens(
    window="#17191B",
    sidebar="#121416",
    surface="#1D2022",
    sunken="#16181A",
    raised="#272B2E",
    hover="#2A2E31",
    line="#2D3134",
    line_strong="#43484C",
    control="#777D82",
    text="#E9E6E0",
    text2="#B6B2AA",
    text3="#9B978F",
    accent="#63C3C8",
    on_accent="#062528",
    accent_tint="#1A3437",
    accent_text="#7FD3D7",
    good="#6CC893",
    good_tint="#16301F",
    warn="#E6B25C",
    warn_tint="#33280F",
    bad="#F18C82",
    bad_tint="#3A1C19",
    lane_a="#82B6F2",
    lane_a_tint="#1A2B3D",
    lane_b="#EE9BCB",
    lane_b_tint="#381D2E",
    lane_c="#A9C76B",
    lane_c_tint="#232C14",
    lane_d="#BBA4F2",
    lane_d_tint="#28213D",
    diff_a="#1B3856",
    diff_b="#50340F",
    diff_a_line="#82B6F2",
    diff_b_line="#F0A95A",
    heat1="#2B2716",
    heat2="#40351A",
    heat3="#5C471B",
    heat4="#7F5A17",
    bar="#27507D",
    bar_on="#1F6469",
    focus="#7FD3D7",
    syn_kw="#D59BE6",
    syn_str="#A5CE86",
    syn_num="#E8A66B",
    syn_fn="#82B6F2",
    syn_com="#908C84",
)


def _linear(channel: int) -> float:
    share = channel / 255
    return share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4


def luminance(colour: str) -> float:
    """WCAG 2 relative luminance of a `#RRGGBB` colour, 0 to 1."""
    red, green, blue = (_linear(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio of two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
