"""How figures look: sizes for a column of a two-column paper, styles that read in grey, files."""

import io
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

COLUMN, PAGE = 3.35, 7.0  # inches
# In grey they are 9 or more units of lightness (CIE L*, 0 black to 100 white) apart; markers tell them apart again.
STYLES = (("#000000", "o"), ("#123a8c", "s"), ("#e69f00", "^"), ("#c0392b", "D"), ("#1fa67a", "v"), ("#8fd0f0", "P"))
DASHES = {"data": "--", "worst": ":"}
GREY = "#888888"
SHADE = {"alpha": 0.25, "linewidth": 0}
# Type 42 keeps fonts in the file as text.
PAPER = {
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "axes.titlesize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 6.5,
    "legend.framealpha": 0.8,  # curves under a legend are seen through it, and its text is read
    "legend.edgecolor": "none",
    "lines.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}

P = ParamSpec("P")
T = TypeVar("T")


def paper(draw: Callable[P, T]) -> Callable[P, T]:
    """Decorator: what the function draws has the settings PAPER, whatever the user's are; those are back afterwards."""

    @wraps(draw)
    def drawn(*given: P.args, **named: P.kwargs) -> T:
        import matplotlib

        with matplotlib.rc_context(PAPER):
            return draw(*given, **named)

    return drawn


def style(i: int, every: int = 4) -> dict[str, Any]:
    """Colour and marker of the i-th curve; from the seventh on markers are hollow."""
    colour, marker = STYLES[i % len(STYLES)]
    hollow = (i // len(STYLES)) % 2 == 1
    shape: dict[str, Any] = {"marker": marker, "markersize": 2.5, "markevery": (i % every, every)}
    return shape | {"color": colour, "markerfacecolor": "white" if hollow else colour, "markeredgewidth": 0.6}


@paper
def panels(rows: int = 1, columns: int = 1, width: float = COLUMN, height: float = 2.2, **options: Any) -> Any:
    """(figure, axes) in inches, a column wide by default; axes are an array where there are several. Not pyplot's."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


@paper
def below(figure: Any, columns: int = 2, axes: Any = None) -> Any:
    """One legend for the axes (default: all of the figure) below them, in so many columns at most.

    Equal labels are one entry.
    """
    entries: dict[str, Any] = {}
    for ax in figure.axes if axes is None else axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    rows = -(-len(entries) // columns)
    across = -(-len(entries) // max(rows, 1))
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=across)
    return figure


@paper
def save(figure: Any, folder: Path, name: str) -> Iterable[Path]:
    """Write NAME.pdf and NAME.png; the same figure gives the same bytes."""
    kinds: dict[str, Any] = {"pdf": {"metadata": {"CreationDate": None}}, "png": {"dpi": 200}}
    kinds["png"]["metadata"] = {"Software": None}
    paths, layout = [], figure.get_layout_engine()
    try:
        for kind, options in kinds.items():
            drawn = io.BytesIO()  # so that a figure that cannot be drawn leaves no broken file
            figure.savefig(drawn, format=kind, **options)
            figure.set_layout_engine("none")  # what is laid out stays where it is
            paths.append(folder / f"{name}.{kind}")
            paths[-1].write_bytes(drawn.getvalue())
    finally:
        figure.set_layout_engine(layout)
    return paths
