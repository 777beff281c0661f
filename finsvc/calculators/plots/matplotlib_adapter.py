"""The one place that imports matplotlib. Figures are drawn without its global state."""

import io

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from finsvc.calculators.plots.drawings import Bars, Curve, Drawing, PlotFormat, Style

_SIZE_INCHES = (9.0, 5.0)
_PIXELS_PER_INCH = 120
_GAIN, _LOSS, _INK = "#2f7d4f", "#b23b3b", "#274b7a"
_NAMES_UPRIGHT = 6
_NAMES_LABELLED = 20
_BAR_WIDTH = 0.7
_WHOLE_FROM = 1000.0


def _points(axes: Axes, curve: Curve, *, has_dates: bool) -> None:
    x = np.array(curve.x, dtype="datetime64[D]" if has_dates else "float64")
    if curve.style is Style.POINTS:
        axes.plot(x, curve.y, "o", color=_LOSS, label=curve.label, markersize=5)
    elif curve.style is Style.STEPS:
        axes.vlines(x, 0.0, curve.y, color=_INK, linewidth=0.8, label=curve.label)
    else:
        axes.plot(x, curve.y, marker="." if len(x) < 50 else "", label=curve.label)


def _figure(value: float) -> str:
    """A figure with separated thousands, of four digits at least."""
    return f"{value:,.0f}" if abs(value) >= _WHOLE_FROM or value == 0.0 else f"{value:.4g}"


def _bars(axes: Axes, bars: Bars) -> None:
    colours = [
        _GAIN if (height < 0.0) == bars.is_loss_positive else _LOSS for height in bars.heights
    ]
    places = range(len(bars.names))
    drawn = axes.bar(places, bars.heights, bottom=bars.bases, color=colours, width=_BAR_WIDTH)
    if len(bars.names) <= _NAMES_LABELLED:
        axes.bar_label(
            drawn, [_figure(height) for height in bars.heights], padding=2, fontsize="small"
        )
        axes.margins(y=0.1)
    if bars.is_waterfall:
        ends = [base + height for base, height in zip(bars.bases, bars.heights, strict=True)]
        for place, end in enumerate(ends[:-1]):
            axes.hlines(end, place, place + 1, color="black", linewidth=0.6, linestyle=":")
    is_crowded = len(bars.names) > _NAMES_UPRIGHT
    axes.set_xticks(
        places, bars.names, rotation=45 if is_crowded else 0, ha="right" if is_crowded else "center"
    )
    axes.axhline(0.0, color="black", linewidth=0.8)


def _tick(value: float, _place: int | None) -> str:
    return f"{value:,.10g}"


def draw(drawing: Drawing, file_format: PlotFormat) -> bytes:
    """Bytes of the picture's file."""
    # Identifiers inside an SVG are derived from the salt, so that equal pictures have equal bytes.
    with mpl.rc_context({"svg.hashsalt": "finsvc", "svg.fonttype": "none"}):
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.use_sticky_edges = False
        for curve in drawing.curves:
            _points(axes, curve, has_dates=drawing.has_dates)
        if drawing.bars is not None:
            _bars(axes, drawing.bars)
        if drawing.histogram is not None:
            axes.stairs(
                drawing.histogram.counts, drawing.histogram.edges, fill=True, color=_INK, alpha=0.7
            )
        for index, (name, place) in enumerate(drawing.marks.items()):
            label = f"{name} {_figure(place)}"
            axes.axvline(place, linestyle=("--", ":", "-.")[index % 3], color=_LOSS, label=label)
        axes.yaxis.set_major_formatter(FuncFormatter(_tick))
        if not drawing.has_dates and drawing.bars is None:
            axes.xaxis.set_major_formatter(FuncFormatter(_tick))
        if drawing.histogram is not None:
            axes.set_ylim(bottom=0.0)
        axes.grid(axis="y", linewidth=0.4, alpha=0.5)
        axes.set_axisbelow(True)
        axes.set_title(drawing.title)
        axes.set_xlabel(drawing.x_label)
        axes.set_ylabel(drawing.y_label)
        if drawing.curves or drawing.marks:
            # Outside, since inside it would cover what the picture shows.
            figure.legend(loc="outside lower center", ncols=4, frameon=False)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        file = io.BytesIO()
        metadata = {"Date": None} if file_format is PlotFormat.SVG else {"Software": None}
        figure.savefig(file, format=file_format.value, dpi=_PIXELS_PER_INCH, metadata=metadata)
    return file.getvalue()
