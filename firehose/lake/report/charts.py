"""Draws the plots of a report: Vega-Lite specifications, made into SVG when the page is made.

Vega-Lite by vl-convert (BSD-3-Clause, one wheel that needs no other package) rather than Plotly or Bokeh, because its
plots are part of the page and not drawn by a script on it. A page without scripts can be read in a mail or a ticket and
printed, and can forbid the browser to load or run anything. Measured: the page of the sample lake is 0.4 MB, Plotly's
script alone 4.8 MB and Bokeh's 1.3 MB; installed, vl-convert takes 83 MB, Plotly 76 MB and Bokeh 145 MB (with numpy).
Altair would add ten packages that make the same specifications. These plots do not show a value under the pointer: the
tables have it.

Each plot is drawn twice, for a page and for a phone, since text that shrinks with a picture cannot be read. Colours are
the page's CSS variables, so light and dark need no second plot.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from firehose.lake.report.counts import Counts
from firehose.lake.report.periods import Period

WIDE, NARROW = 820, 270  # pixels between the axes
COLOURS = 8  # of each palette in page.css

Spec = dict[str, Any]
# Vega keeps no minimal step where the largest count is 1, so the ticks between counts have no label.
_COUNT: Spec = {"labelExpr": "datum.value % 1 ? '' : format(datum.value, '~s')", "tickCount": 4}
_AMOUNT: Spec = {"format": ",.2~f", "tickCount": 4}
_SHARE: Spec = {"format": "%", "tickCount": 4}

Values = Sequence[Mapping[str, Any]]
Colours = Mapping[str, str]

# Attributes without effect, and those for screen readers, for which the whole plot is one picture; then digits beyond a
# hundredth of a pixel. Removing them halves the size of a plot.
_UNUSED = re.compile(
    r' (?:(?:aria-\w+|role|class|pointer-events|font-family|xmlns:xlink|version)="[^"]*"|(?:opacity|stroke-width)="1")'
    r"|(?<=\.\d\d)\d+"
)

_TIME_UNITS = {Period.DAY: "utcyearmonthdate", Period.MONTH: "utcyearmonth"}

_QUIET = {"labelColor": "var(--quiet)", "titleColor": "var(--quiet)", "titleFontWeight": "normal"}
_CONFIG: Spec = {
    "aria": False,
    "background": None,
    "padding": {"left": 20, "right": 5, "top": 5, "bottom": 5},  # browsers' fonts are wider than the one measured by
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": _QUIET | {"domainColor": "var(--line)", "gridColor": "var(--grid)", "tickColor": "var(--line)"}
    | {"labelFontSize": 12, "titleFontSize": 12},
    "header": {"labelColor": "var(--text)", "labelFontSize": 13, "labelFontWeight": "bold", "title": None}
    | {"labelOrient": "top", "labelAnchor": "start", "labelPadding": 4},
    "facet": {"spacing": 12},
}  # fmt: skip


class Plot(NamedTuple):
    """A plot: its name, its legend (a value and its colour), and what is drawn for a page and for a phone."""

    name: str
    legend: Colours
    wide: Spec
    narrow: Spec


def colours(values: Sequence[str], palette: str) -> Colours:
    """Return the colours of values in their order: ["INSERT"], "change" -> {"INSERT": "var(--change1)"}.

    A palette is the same on the whole page: "type", "change", "reason", and "age", which goes from little to much.
    """
    return {value: f"var(--{palette}{at % COLOURS + 1})" for at, value in enumerate(values)}


class Bars(NamedTuple):
    """Stacked bars over time, each of a period; the first of the colours lies lowest.

    With `rows` each of those values has bars on a scale of its own. `share` stacks to 100 %. Counts are divided by
    `unit`: those of bytes by 1024 are drawn as KiB.
    """

    name: str
    title: str
    period: Period
    colours: Colours
    rows: Sequence[str] = ()
    share: bool = False
    unit: int = 1
    height: int = 160

    def draw(self, counts: Counts) -> str:
        """Return the plot of counts by period, row (if there are rows) and colour as HTML, or "" without counts."""
        ranks = {colour: rank for rank, colour in enumerate(self.colours)}
        values = [
            {"at": self.period.first_day(key[0]), "row": key[1], "colour": key[-1]}
            | {"rank": ranks[key[-1]], "count": count / self.unit}
            for key, count in counts.items()
            if count
        ]
        legend = {} if set(self.rows) == set(self.colours) else self.colours
        return svg(Plot(self.name, legend, self._spec(values, WIDE), self._spec(values, NARROW))) if values else ""

    def _spec(self, values: Values, width: int) -> Spec:
        y: Spec = {"field": "count", "type": "quantitative", "title": self.title}
        y |= {"stack": "normalize" if self.share else "zero"}
        y |= {"axis": _SHARE if self.share else _COUNT if self.unit == 1 else _AMOUNT}
        x = {"field": "at", "type": "temporal", "timeUnit": _TIME_UNITS[self.period], "title": None}
        encoding = {"x": x | {"axis": _time_axis(width)}, "y": y, "color": _colour(self.colours)}
        encoding |= {"order": {"field": "rank", "type": "quantitative"}}
        mark = {"type": "bar", "binSpacing": 0.3}
        drawn = {"width": width, "height": self.height, "mark": mark, "encoding": encoding}
        if not self.rows:
            return {"data": {"values": values}} | drawn
        facet = {"row": {"field": "row", "title": None}}
        independent = {"scale": {"y": "independent"}}
        return {"data": {"values": values}, "facet": facet, "spec": drawn, "resolve": independent}


def lying_bars(name: str, title: str, counts: Counts, classes: Sequence[str], found: Colours) -> str:
    """Return horizontal stacked bars, one for each class, of counts by class and colour, as HTML."""
    values = [{"class": kind, "colour": colour, "count": count} for (kind, colour), count in counts.items()]
    x = {"field": "count", "type": "quantitative", "title": title, "axis": _COUNT}
    y = {"field": "class", "type": "nominal", "title": None, "scale": {"domain": list(classes)}}
    drawn = {"mark": "bar", "height": {"step": 26}, "encoding": {"x": x, "y": y, "color": _colour(found)}}
    wide, narrow = ({"data": {"values": values}, "width": width - 60} | drawn for width in (WIDE, NARROW))
    return svg(Plot(name, found, wide, narrow))


def strips(name: str, values: Values, period: tuple[str, str], types: Sequence[str], found: Colours) -> str:
    """Return a strip for each type as HTML, filled from `first` to `last` of each value, and empty in a gap."""
    return svg(Plot(name, {}, *(_strips(values, period, types, found, width) for width in (WIDE - 30, NARROW - 30))))


def _strips(values: Values, period: tuple[str, str], types: Sequence[str], found: Colours, width: int) -> Spec:
    first, last = period
    y = {"field": "type", "type": "nominal", "title": None, "sort": list(types)}
    x = {"field": "first", "type": "temporal", "title": None, "scale": {"type": "utc"}, "axis": _time_axis(width)}
    whole = [{"type": name, "first": first, "last": last} for name in types]
    mark = {"type": "rect", "height": {"band": 0.7}}
    encoding = {"x": x, "x2": {"field": "last"}, "y": y}
    return {
        "width": width,
        "height": {"step": 30},
        "layer": [
            {"data": {"values": whole}, "mark": mark | {"color": "var(--gap)"}, "encoding": encoding},
            {"data": {"values": list(values)}, "mark": mark, "encoding": encoding | {"color": _colour(found, "type")}},
        ],
    }


def _time_axis(width: int) -> Spec:
    ticks = {"tickCount": 8 if width > NARROW else 3, "labelSeparation": 12}
    return {"grid": False, "labelOverlap": "greedy", "labelFlush": False, "format": "%Y-%m-%d"} | ticks


def _colour(found: Colours, field: str = "colour") -> Spec:
    scale = {"domain": list(found), "range": list(found.values())}
    return {"field": field, "type": "nominal", "scale": scale, "legend": None}


def svg(plot: Plot) -> str:
    """Return a plot as HTML: its legend, and the picture for each width, of which CSS shows one."""
    legend = "".join(
        f'<li><span style="background:{colour}"></span>{escape(value)}</li>' for value, colour in plot.legend.items()
    )
    pictures = "".join(
        f'<div class="{width}" role="img" aria-label="{escape(plot.name)}">{_drawn(spec)}</div>'
        for width, spec in (("wide", plot.wide), ("narrow", plot.narrow))
    )
    shown = f'<ul class="legend">{legend}</ul>' if legend else ""
    return f"<figure><figcaption>{escape(plot.name)}</figcaption>{shown}{pictures}</figure>"


def _drawn(spec: Spec) -> str:
    import vl_convert  # noqa: PLC0415 - a JavaScript engine: only a report starts it

    # No address is allowed, so that no specification ever loads anything.
    drawn = vl_convert.vegalite_to_svg(spec, vl_version="6.4", config=_CONFIG, allowed_base_urls=[])
    return _UNUSED.sub("", drawn)
