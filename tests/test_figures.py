"""Figures: axes in, axes out, nothing shown; they read in grey, and legends say what is drawn."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

import oco
from oco import figures
from oco.statistics import quantile_band

GAME = {"rounds": 100, "domain": oco.Box()}


@pytest.fixture(scope="module")
def runs():
    return oco.play(oco.RandomSigns(3), [oco.AdaGrad(), oco.OGDSqrt()], **GAME)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    learners = oco.grid(oco.AdaGrad, eta=[None, 0.1, 1.0, 10.0]) | {"ogd-sqrt": oco.OGDSqrt()}
    study = oco.Study(learners, oco.grid(oco.RandomSigns, d=[2, 4, 8]), seeds=3, **GAME)
    return study.run(tmp_path_factory.mktemp("study"), progress=False)


@pytest.fixture(scope="module")
def audited():
    return oco.play(oco.Experts(8), oco.Hedge(), domain=oco.Simplex(), rounds=40, audit=True)[0]


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def small(table):
    return table.where(stream="signs:d=2")


FUNCTIONS = {
    "regret": lambda ax, runs, table, audited: figures.regret(runs, ax),
    "regret of a table": lambda ax, runs, table, audited: figures.regret(small(table), ax),
    "quantiles": lambda ax, runs, table, audited: figures.regret(small(table), ax, band=quantile_band),
    "ratio": lambda ax, runs, table, audited: figures.ratio(small(table), ax),
    "difference": lambda ax, runs, table, audited: figures.difference(small(table), ax, "ogd-sqrt"),
    "sensitivity": lambda ax, runs, table, audited: figures.sensitivity(small(table), ax),
    "rates": lambda ax, runs, table, audited: figures.rates([np.inf, 1.0, 0.5], ax, "one"),
    "frequencies": lambda ax, runs, table, audited: figures.frequencies(
        np.array([1, 4, 9, 0]), {"adagrad": np.array([1.0, 0.5, 1 / 3, np.inf])}, ax, {1: "word"}
    ),
    "weights": lambda ax, runs, table, audited: figures.weights(audited, ax, most=3),
    "intervals": lambda ax, runs, table, audited: figures.intervals(oco.interval_regrets(audited), ax),
    "cost": lambda ax, runs, table, audited: figures.cost(table, ax),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_axes_in_axes_out_and_settings_as_before(name, runs, table, audited, tmp_path):
    figure, ax = figures.panels()
    before = dict(matplotlib.rcParams)
    assert FUNCTIONS[name](ax, runs, table, audited) is ax
    figures.save(figure, tmp_path, "figure")
    assert dict(matplotlib.rcParams) == before
    assert ax.has_data() and ax.get_xlabel() and ax.get_ylabel()
    assert {path.name for path in tmp_path.iterdir()} == {"figure.pdf", "figure.png"}
    assert figure.get_size_inches()[0] <= 3.5  # a column of a two-column paper
    # No text is outside the figure, and none is smaller than 6 points.
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.get_tightbbox(canvas.get_renderer())
    assert box.x0 >= -0.02 and box.y0 >= -0.02 and box.x1 <= figure.get_size_inches()[0] + 0.02
    assert min(text.get_fontsize() for text in figure.findobj(matplotlib.text.Text) if text.get_text()) >= 6.0


def test_pyplot_is_not_touched():
    script = (
        "import sys, oco; from oco import figures\n"
        "runs = oco.play(oco.RandomSigns(2), [oco.AdaGrad()], domain=oco.Box(), rounds=10, compiled=False)\n"
        "figure, ax = figures.panels(); figures.regret(runs, ax); figures.below(figure)\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def lightness(colour):
    """CIE L*."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in to_rgb(colour)]
    y = float(np.dot([0.2126, 0.7152, 0.0722], linear))
    return 116.0 * y ** (1 / 3) - 16.0 if y > 0.008856 else 903.3 * y


def nearest(colours):
    shades = np.sort([lightness(colour) for colour in colours])
    return np.diff(shades).min(), shades[-1]


def test_curves_are_told_apart_in_grey():
    gap, brightest = nearest([colour for colour, _ in figures.STYLES])
    assert gap >= 9.0 and brightest <= 81.0  # and all from the paper's white
    assert len({marker for _, marker in figures.STYLES}) == len(figures.STYLES)
    first, seventh = figures.style(0), figures.style(len(figures.STYLES))
    assert first["markerfacecolor"] != seventh["markerfacecolor"]
    # A control: matplotlib's own colours.
    assert nearest(matplotlib.rcParamsDefault["axes.prop_cycle"].by_key()["color"])[0] < 3.0


def test_the_drawn_figure_has_as_many_greys_as_curves():
    """Rendered and made grey, curves one above the other are still of different greys."""
    figure, ax = figures.panels()
    for i in range(6):
        ax.plot([0, 1], [i, i], linewidth=4, **figures.style(i))
    ax.set_axis_off()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    column = np.asarray(canvas.buffer_rgba())[:, int(figure.bbox.width) // 2, :3] @ [0.299, 0.587, 0.114]
    flat = [value for value, after in zip(np.round(column), np.round(column[1:]), strict=False) if value == after < 250]
    assert len(set(flat)) == 6 and np.diff(sorted(set(flat))).min() >= 20


def test_the_heat_map_darkens_with_the_regret():
    shades = [lightness(matplotlib.colormaps["cividis_r"](v)[:3]) for v in np.linspace(0.0, 1.0, 50)]
    assert (np.diff(shades) < 0.0).all()


def test_fonts_are_in_the_pdf(runs, tmp_path):
    figure, ax = figures.panels()
    figures.regret(runs, ax)
    pdf, _ = figures.save(figure, tmp_path, "figure")
    assert b"/FontFile2" in pdf.read_bytes() and b"/Type3" not in pdf.read_bytes()
    figure.savefig(tmp_path / "control.pdf")  # with matplotlib's settings
    assert b"/Type3" in (tmp_path / "control.pdf").read_bytes()


def test_legends_say_what_bands_and_dashes_are(runs, table):
    ax = figures.regret(runs, figures.panels()[1])
    assert texts(ax) == [
        "AdaGrad",
        "OGDSqrt",
        "certified interval",
        "bound, gradients seen",
        "bound, worst case",
        "lower bound, any learner (mean over seeds)",
    ]
    assert "mean of 3 seeds, 95% t-interval" in texts(figures.regret(small(table), figures.panels()[1]))
    ax = figures.regret(small(table), figures.panels()[1], band=quantile_band)
    assert "median of 3 seeds, 80% of them within" in texts(ax)
    ax = figures.difference(small(table), figures.panels()[1], "ogd-sqrt")
    assert "mean paired difference, 3 seeds, 95% t-interval" in texts(ax) and "ogd-sqrt" not in texts(ax)


def test_sensitivity_marks_theory_and_the_best_of_the_grid(table):
    ax = figures.sensitivity(small(table), figures.panels()[1])
    assert texts(ax)[:2] == ["adagrad", "ogd-sqrt"] and r"$\eta$ by theorem" in texts(ax)
    stars = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "*" and len(line.get_xdata())]
    assert stars == pytest.approx([np.sqrt(2.0), 2.0])  # D / sqrt(2), the width or the diameter of [-1, 1]^2
    ends = {
        eta: small(table).where({"learner.eta": eta, "learner.name": "adagrad"}, t=100)["regret_high"].mean()
        for eta in (0.1, 1.0, 10.0)
    }
    ring = next(line for line in ax.lines if line.get_markersize() == 7 and len(line.get_xdata()))
    assert ring.get_xdata()[0] == min(ends, key=ends.get)


def test_cost_finds_the_power():
    def spent(name, power):
        run = oco.samples.samples(oco.play(oco.RandomSigns(2), oco.OGDSqrt(), rounds=5, domain=oco.Box()))[0]
        return [
            run._replace(learner=name, dimension=d, seconds=np.array([2.0, 1.0]) * d**power) for d in (1, 10, 100, 1000)
        ]

    ax = figures.cost([*spent("slow", 3.0), *spent("quick", 1.0)], figures.panels()[1])
    assert texts(ax) == ["slow: $d^{3.0}$", "quick: $d^{1.0}$"]


def test_frequencies_leave_out_what_was_never_seen():
    counts, rates = np.array([4, 1, 0, 16]), np.array([0.5, 1.0, np.inf, 0.25])
    ax = figures.frequencies(counts, {"adagrad": rates}, figures.panels()[1])
    assert ax.lines[0].get_xdata().tolist() == [4, 1, 16]
    assert ax.lines[1].get_ydata() == pytest.approx([1.0, 0.25])  # the law goes through these


def test_weights_show_the_largest_and_the_rest_in_grey(audited):
    ax = figures.weights(audited, figures.panels()[1], most=3)
    assert texts(ax)[0] == "5 others" and len(texts(ax)) == 4
    shown = {text.removeprefix("expert ") for text in texts(ax)[1:]}
    assert str(audited.history.x.max(axis=0).argmax() + 1) in shown


def test_the_heat_map_is_the_regret_in_every_interval(audited):
    found = oco.interval_regrets(audited)
    mesh = figures.intervals(found, figures.panels()[1]).collections[0]
    shown = mesh.get_array().reshape(40, 40)
    assert shown[29, 9] == found.high[(found.first == 10) & (found.last == 30)][0]
    assert np.ma.getmaskarray(shown)[9, 29]  # no interval ends before it begins


def test_what_cannot_be_drawn_is_told(table, audited, runs):
    ax = figures.panels()[1]
    with pytest.raises(ValueError, match="a figure is of one stream"):
        figures.regret(table, ax)
    with pytest.raises(ValueError, match="no learner 'nobody' to compare with; there are adagrad"):
        figures.difference(small(table), ax, "nobody")
    with pytest.raises(ValueError, match="audit=True"):
        figures.weights(runs[0], ax)
    with pytest.raises(ValueError, match='cover="all"'):
        figures.intervals(oco.interval_regrets(audited, cover="geometric"), ax)
