"""Draws the plots of a report: Vega-Lite specifications, made into SVG when the page is made.

Vega-Lite by vl-convert (BSD-3-Clause, one wheel that needs no other package) rather than Plotly or Bokeh, because its
plots are part of the page and not drawn by a script on it. Without scripts a page can be read in a mail or a ticket and
printed, and a browser may be told to load and run nothing. Measured: the page of the sample lake has 0.4 MB, Plotly's
script alone 4.8 MB and Bokeh's 1.3 MB; installed they have 83 MB, 76 MB and 145 MB (with numpy). Altair would add ten
packages that make the same specifications. What this lacks is a value under the pointer: the tables have it.

Each plot is drawn twice, for a page and for a phone, since text that shrinks with a picture cannot be read. Colours are
the page's CSS variables, so light and dark need no second plot.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from firehose.lake.report.periods import Period

WIDE, NARROW = 820, 270  # pixels between the axes
COLOURS = 8  # of each palette in page.css

Spec = dict[str, Any]
_COUNT: Spec = {"labelExpr": "format(datum.value, '~s')", "tickCount": 4, "tickMinStep": 1}
_AMOUNT: Spec = {"format": ",.2~f", "tickCount": 4}
_SHARE: Spec = {"format": "%", "tickCount": 4}

Values = Sequence[dict[str, Any]]

# Attributes that say nothing, and those for screen readers, which are told of the plot as one picture; then decimals
# beyond a hundredth of a pixel. Without them a plot has half the bytes.
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


class Colours(NamedTuple):
    """The field that colours tell apart, and the colour of each of its values: {"INSERT": "var(--c1)"}."""

    field: str
    by_value: Mapping[str, str]


class Plot(NamedTuple):
    """A plot: its name for those who do not see it, its legend, and what is drawn for a page and for a phone."""

    name: str
    legend: Sequence[tuple[str, str]]
    wide: Spec
    narrow: Spec


def colours(field: str, values: Sequence[str], palette: str) -> Colours:
    """Return the colours of values in their order.

    A palette is the same on the whole page: "type", "change", "reason", and "age", which goes from little to much.
    """
    return Colours(field, {value: f"var(--{palette}{at % COLOURS + 1})" for at, value in enumerate(values)})


class Bars(NamedTuple):
    """Stacked bars over time, of values that have `at` (the first day of a period), `field` and the colours' field.

    `facet` names a field, each value of which has bars on a scale of their own. `share` stacks to 100 %.
    `whole` says that there are no fractions.
    """

    name: str
    field: str
    title: str
    period: Period
    colours: Colours
    facet: str | None = None
    share: bool = False
    whole: bool = True
    height: int = 160

    def plot(self, values: Values) -> Plot:
        """Return the plot of these values."""
        legend = () if self.facet == self.colours.field else self.colours.by_value.items()
        return Plot(self.name, tuple(legend), self._spec(values, WIDE), self._spec(values, NARROW))

    def _spec(self, values: Values, width: int) -> Spec:
        y: Spec = {"field": self.field, "type": "quantitative", "title": self.title}
        y |= {"stack": "normalize" if self.share else "zero"}
        y |= {"axis": _SHARE if self.share else _COUNT if self.whole else _AMOUNT}
        drawn = {
            "width": width,
            "height": self.height,
            "mark": {"type": "bar", "binSpacing": 0.3},
            "encoding": {"x": _time(self.period, width), "y": y, "color": _colour(self.colours)}
            | {"order": {"field": "rank", "type": "quantitative"}},
        }
        ranks = {value: at for at, value in enumerate(self.colours.by_value)}  # the first lies lowest
        data = {"values": [one | {"rank": ranks[one[self.colours.field]]} for one in values]}
        if self.facet is None:
            return {"data": data} | drawn
        by_row = {"row": {"field": self.facet, "title": None}}
        return {"data": data, "facet": by_row, "spec": drawn, "resolve": {"scale": {"y": "independent"}}}


def size_bars(name: str, values: Values, classes: Sequence[str], found: Colours) -> Plot:
    """Return stacked bars that lie, one for each class, of values with `class`, `files` and the colours' field."""
    legend = tuple(found.by_value.items())
    return Plot(name, legend, *(_size_bars(values, classes, found, width) for width in (WIDE - 60, NARROW - 60)))


def _size_bars(values: Values, classes: Sequence[str], found: Colours, width: int) -> Spec:
    x = {"field": "files", "type": "quantitative", "title": "files", "axis": _COUNT}
    y = {"field": "class", "type": "nominal", "title": None, "scale": {"domain": list(classes)}}
    encoding = {"x": x, "y": y, "color": _colour(found)}
    return {
        "data": {"values": list(values)},
        "width": width,
        "height": {"step": 26},
        "mark": "bar",
        "encoding": encoding,
    }


def strips(name: str, values: Values, period: tuple[str, str], types: Sequence[str], found: Colours) -> Plot:
    """Return a strip for each type, filled from `first` to `last` of each value, and empty where there is a gap."""
    return Plot(name, (), *(_strips(values, period, types, found, width) for width in (WIDE - 30, NARROW - 30)))


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
            {"data": {"values": list(values)}, "mark": mark, "encoding": encoding | {"color": _colour(found)}},
        ],
    }


def _time(period: Period, width: int) -> Spec:
    unit = _TIME_UNITS[period]
    return {"field": "at", "type": "temporal", "timeUnit": unit, "title": None, "axis": _time_axis(width)}


def _time_axis(width: int) -> Spec:
    ticks = {"tickCount": 8 if width > NARROW else 3, "labelSeparation": 12}
    return {"grid": False, "labelOverlap": "greedy", "labelFlush": False, "format": "%Y-%m-%d"} | ticks


def _colour(found: Colours) -> Spec:
    domain, palette = list(found.by_value), list(found.by_value.values())
    return {"field": found.field, "type": "nominal", "scale": {"domain": domain, "range": palette}, "legend": None}


def svg(plot: Plot) -> str:
    """Return a plot as HTML: its legend, and the picture for each width, of which CSS shows one."""
    legend = "".join(
        f'<li><span style="background:{colour}"></span>{escape(value)}</li>' for value, colour in plot.legend
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
