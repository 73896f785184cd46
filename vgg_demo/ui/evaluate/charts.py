"""ECharts specifications of the Evaluate tab, as plain dicts, and their descriptions in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from vgg_demo.colours import BLUE, GREEN, ORANGE, PURPLE
from vgg_demo.metrics import ReliabilityBin, Selective, expected_calibration_error, worst_confusions
from vgg_demo.text import _, ngettext, percent
from vgg_demo.ui.shared.charts import GREY, Spec, percent_pattern

if TYPE_CHECKING:
    from vgg_demo.analysis.robustness import RobustnessCurve

# the matrix has a fixed margin, so that where a cell lies follows from the chart's size alone
MATRIX_LEFT, MATRIX_TOP, MATRIX_RIGHT, MATRIX_BOTTOM = 46, 46, 6, 6
FAINT = "rgba(128, 128, 128, 0.12)"
MARK = "#E5007D"  # around the chosen cell
TRACE = "rgba(128, 128, 128, 0.05)"
LINES = [(BLUE, "solid", "circle"), (ORANGE, "dashed", "rect"), (GREEN, "dotted", "triangle"),
         (PURPLE, "solid", "diamond"), ("#B79F00", "dashed", "roundRect")]  # fmt: skip
# Okabe and Ito's eight colours and two more; each digit has a shape, too
DIGIT_COLOURS = [BLUE, ORANGE, GREEN, PURPLE, "#E69F00", "#56B4E9", "#8C6BB1", "#B79F00", "#7F7F7F", "#A6461F"]
DIGIT_SHAPES = ["circle", "rect", "triangle", "diamond", "roundRect", "pin", "arrow", "emptyCircle", "emptyTriangle",
                "emptyRect"]  # fmt: skip


def confusion(matrix: list[list[int]], by_share: bool, is_dimmed: bool, chosen: tuple[Any, Any]) -> Spec:
    """The confusion matrix as a heat map: right answers in blue or dimmed, errors in orange on a log scale.

    by_share: each cell as a share of its row. chosen: true digit and answer of the cell to mark. The cells are one
    series, row by row, so that only one can be selected; cell_of finds back.
    """
    strengths = [
        [math.log1p(1000 * count / max(1, sum(row)) if by_share else count) for count in row] for row in matrix
    ]  # one error shows beside fifty
    strongest = max([strengths[t][a] for t in range(10) for a in range(10) if t != a] + [math.log1p(1)])

    def cell(true: int, answer: int, count: int) -> Spec:
        is_right = true == answer
        error = _orange(strengths[true][answer] / strongest) if count else TRACE
        colour = error if not is_right or not count else FAINT if is_dimmed else BLUE
        style = {"color": colour, "borderWidth": 0}  # also where it is selected: the frame is another series
        label = {
            "show": count > 0,
            "formatter": _share(count / max(1, sum(matrix[true]))) if by_share else f"{count}",
            "color": "#000000" if not is_right else GREY if is_dimmed else "#FFFFFF",
        }
        value = [answer, true, count]
        return {"value": value, "visualMap": False, "itemStyle": style, "label": label, "select": {"itemStyle": style}}

    cells = [cell(true, answer, count) for true, row in enumerate(matrix) for answer, count in enumerate(row)]
    marked = [cells[10 * chosen[0] + chosen[1]]["value"]] if None not in chosen else []
    return _matrix(cells, marked, font_size=10 if by_share else 11)


def _matrix(cells: list[Spec], marked: list[list[int]], font_size: int) -> Spec:
    """A heat map of ten by ten cells, the first row at the top. marked: what gets a frame, over all cells."""
    frame = {"visualMap": False, "itemStyle": {"color": "transparent", "borderColor": MARK, "borderWidth": 4}}
    frames = [{"value": value, **frame} for value in marked]
    return {
        "animation": False,
        "grid": {"left": MATRIX_LEFT, "right": MATRIX_RIGHT, "top": MATRIX_TOP, "bottom": MATRIX_BOTTOM,
                 "containLabel": False, "outerBoundsMode": "none"},
        "tooltip": {"formatter": _("{@[2]} images of {@[1]} were read as {@[0]}")},
        "xAxis": {**_digit_axis(_("the network's answer")), "position": "top"},
        "yAxis": {**_digit_axis(_("the true digit")), "inverse": True},
        "visualMap": {"show": False, "min": 0, "max": 1},  # a heat map must have one; the cells bring their own colours
        "series": [{"name": _("images"), "type": "heatmap", "data": cells, "selectedMode": "single",
                    "label": {"fontSize": font_size, "textBorderWidth": 0}},
                   {"type": "heatmap", "data": frames, "silent": True, "z": 3}],
    }  # fmt: skip


def cell_of(data_index: int) -> tuple[int, int]:
    """True digit and answer of a cell, as confusion() numbers them."""
    return divmod(data_index, 10)


def confusion_in_words(matrix: list[list[int]]) -> str:
    """The confusion matrix for someone who cannot see it: what is mistaken for what most often."""
    worst = worst_confusions(matrix, 3)
    if not worst:
        return _("Confusion matrix: every image was read right.")
    return _("Confusion matrix. Most common mistakes: {cases}.").format(cases=confusions_in_words(worst))


def confusions_in_words(worst: list[tuple[int, int, int]]) -> str:
    """Mistakes as a list in words: 4 read as 9: 6 times."""
    return "; ".join(
        ngettext("{true} read as {answer}: once", "{true} read as {answer}: {times} times", times).format(
            true=true, answer=answer, times=times
        )
        for true, answer, times in worst
    )


def reliability(bins: list[ReliabilityBin]) -> Spec:
    """How sure the network is against how often it is right; the size of a point says for how many answers."""
    total = sum(part.count for part in bins)
    points = [
        {
            "value": [round(part.confidence, 4), round(part.accuracy, 4), part.count],
            "symbolSize": 7 + 18 * math.sqrt(part.count / total),
        }
        for part in bins
    ]
    this = {"name": _("this network"), "type": "line", "data": points, "symbol": "circle",
            "itemStyle": {"color": BLUE}, "lineStyle": {"color": BLUE}}  # fmt: skip
    ideal = {"name": _("as sure as right"), "type": "line", "data": [[0, 0], [1, 1]], "showSymbol": False,
             "silent": True, "lineStyle": {"type": "dashed", "color": GREY}, "itemStyle": {"color": GREY}}  # fmt: skip
    x, y = _value_axis(_("how sure it is"), 0, 1), _value_axis(_("share that is right"), 0, 1, gap=40)
    return _lines([this, ideal], x, y, {"formatter": _("sure: {@[0]}, right: {@[1]}, answers: {@[2]}")})


def reliability_in_words(bins: list[ReliabilityBin]) -> str:
    """The reliability diagram for someone who cannot see it."""
    text = _("Reliability diagram. Confidence and accuracy are {error} apart on average. ")
    case = _("{confidence} sure: {accuracy} right of {count}")
    cases = [
        case.format(confidence=percent(b.confidence, 0), accuracy=percent(b.accuracy, 0), count=b.count) for b in bins
    ]
    return text.format(error=percent(expected_calibration_error(bins))) + "; ".join(cases)


def selective(rows: list[Selective]) -> Spec:
    """The share of digits it still answers against the share right of those, one point a threshold."""
    points = [
        {"value": [round(row.coverage * 100, 2), round((row.accuracy or 0) * 100, 3), round(row.threshold * 100, 2)]}
        for row in rows
        if row.answered
    ]
    line = {"type": "line", "data": points, "symbol": "rect", "symbolSize": 8, "lineStyle": {"color": ORANGE},
            "itemStyle": {"color": ORANGE}}  # fmt: skip
    x = {**_value_axis(_("digits it still answers, %"), high=100), "scale": True}
    y = {**_value_axis(_("of those right, %"), high=100, gap=48), "scale": True}
    tooltip = {"formatter": _("at least {@[2]} % sure: answers {@[0]} %, of those {@[1]} % right")}
    return _lines([line], x, y, tooltip)


def selective_in_words(rows: list[Selective]) -> str:
    """The trade-off for someone who cannot see it."""
    case = _("at least {threshold} sure: answers {coverage}, of those {accuracy} right")
    cases = [
        case.format(threshold=percent(r.threshold), coverage=percent(r.coverage), accuracy=percent(r.accuracy or 0))
        for r in rows
        if r.answered
    ]
    return _("Answering only when sure. ") + "; ".join(cases)


def robustness(curves: dict[str, RobustnessCurve], unit: str) -> Spec:
    """Accuracy over the amount of one distortion, a line for each network. curves: by the network's name."""
    series = []
    for (name, curve), (colour, dash, symbol) in zip(curves.items(), LINES, strict=False):
        data = [[amount, round(share * 100, 2)] for amount, share in zip(curve.amounts, curve.accuracies, strict=True)]
        series.append({"name": name, "type": "line", "data": data, "symbol": symbol, "symbolSize": 7,
                       "lineStyle": {"color": colour, "type": dash}, "itemStyle": {"color": colour}})  # fmt: skip
    x, y = {**_value_axis(unit), "scale": True}, _value_axis(_("right, %"), 0, 100, gap=36)
    return _lines(series, x, y, {"trigger": "axis", "valueFormatter": percent_pattern(2)})


def embedding(points: list[list[tuple[float, float, str, str]]]) -> Spec:
    """Digits as points in the plane. points: by true digit, (x, y, picture as a data URI, caption) of each."""
    series = [
        {
            "name": str(digit),
            "type": "scatter",
            "selectedMode": "single",
            "cursor": "pointer",
            "symbol": DIGIT_SHAPES[digit],
            "symbolSize": 9,
            "itemStyle": {"color": DIGIT_COLOURS[digit], "opacity": 0.85},
            "select": {"itemStyle": {"borderColor": GREY, "borderWidth": 4}},
            "data": [
                {"value": [round(x, 2), round(y, 2)],  # no name: points of one name are selected together
                 "tooltip": {"formatter": f'<img src="{picture}" width="84" height="84" '
                                          f'style="image-rendering:pixelated" alt=""><br>{caption}'}}
                for x, y, picture, caption in members
            ],
        }
        for digit, members in enumerate(points)
    ]  # fmt: skip
    hidden = {"type": "value", "show": False, "scale": True}
    return {
        "animation": False,
        "grid": {"left": 8, "right": 8, "top": 40, "bottom": 8},
        "legend": {"top": 0, "left": 0, "itemWidth": 11, "itemHeight": 11},
        "tooltip": {"trigger": "item"},
        "xAxis": hidden,
        "yAxis": hidden,
        "series": series,
    }


def _orange(strength: float) -> str:
    """From a light orange (0) to the full one (1), opaque, so that black numbers can be read on either theme."""
    light, full = (255, 228, 204), (213, 94, 0)
    return "rgb({}, {}, {})".format(*(round(a + (b - a) * strength) for a, b in zip(light, full, strict=True)))


def _share(share: float) -> str:
    if share == 0:
        return ""
    return f"{share * 100:.0f}" if share >= 0.1 else f"{share * 100:.1f}"


def _lines(series: list[Spec], x: Spec, y: Spec, tooltip: Spec) -> Spec:
    """Lines over two axes; more than one have a legend above."""
    several = len(series) > 1
    return {
        "animation": False,
        "grid": {"left": 8, "right": 16, "top": 36 if several else 12, "bottom": 32, "containLabel": True},
        "legend": {"show": several, "top": 0, "left": 0},
        "tooltip": tooltip,
        "xAxis": x,
        "yAxis": y,
        "series": series,
    }


def _digit_axis(name: str) -> Spec:
    return {"type": "category", "data": [str(digit) for digit in range(10)], "name": name, "nameLocation": "middle",
            "nameGap": 26, "axisTick": {"show": False}}  # fmt: skip


def _value_axis(name: str, low: float | None = None, high: float | None = None, gap: int = 24) -> Spec:
    limits = {key: value for key, value in (("min", low), ("max", high)) if value is not None}
    return {"type": "value", "name": name, "nameLocation": "middle", "nameGap": gap, **limits}
