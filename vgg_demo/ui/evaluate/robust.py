"""How robust a network is: the same digits made harder, a curve for each way, with sample pictures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from vgg_demo.predictions import Predictions
from vgg_demo.text import _, plain
from vgg_demo.ui.evaluate import charts, gallery, results
from vgg_demo.ui.evaluate.compare import others
from vgg_demo.ui.evaluate.results import DigitSet, Network
from vgg_demo.ui.shared import jobs

if TYPE_CHECKING:
    from vgg_demo.analysis.robustness import RobustnessCurve

SHOWN_DIGITS = 1_000
MOST_NETWORKS = 5
NAMES = {
    "shift": _("Shifted"),
    "rotate": _("Rotated"),
    "scale": _("Scaled"),
    "thin": _("Thinned"),
    "thicken": _("Thickened"),
    "noise": _("Noised"),
    "invert": _("Inverted"),
}
UNITS = {
    "shift": _("pixels, in any direction"),
    "rotate": _("degrees, to either side"),
    "scale": _("per cent of its size"),
    "thin": _("pixels off every side of the strokes"),
    "thicken": _("pixels on every side of the strokes"),
    "noise": _("noise, in per cent of full ink"),
    "invert": _("per cent on the way to its negative"),
}


def show(network: Network, digit_set: DigitSet, predictions: Predictions) -> None:
    """A curve for each distortion, for this network and for others that are chosen beside it."""
    st.caption(
        _(
            "The same digits, harder and harder. A network that learned from clean digits only falls early; one that "
            "is to read a hand must stay up."
        )
    )
    beside = others(network, digit_set)
    chosen: list[str] = []
    if beside:
        chosen = st.multiselect(
            _("Other networks beside it"), list(beside), key="robust_others", max_selections=MOST_NETWORKS - 1
        )
    curves: dict[str, list[RobustnessCurve]] = {}
    for place, one in enumerate([network, *(beside[name] for name in chosen)]):
        found = measured(one, digit_set, f"robust-{place}")
        if found is None:
            return
        curves[one.name] = found
    samples = sample_pictures(digit_set)
    columns = st.columns(2, gap="large")
    for place, curve in enumerate(curves[network.name]):
        with columns[place % 2]:
            st.markdown(f"**{NAMES[curve.distortion]}**")
            lines = {name: (mine[place].amounts, mine[place].accuracies) for name, mine in curves.items()}
            st.echarts_chart(
                charts.robustness(lines, UNITS[curve.distortion]),
                height=240,
                key=f"robustness-{curve.distortion}",
                alt=in_words(curve),
            )
            st.html(_row(samples[curve.distortion], curve.amounts))
    count = curves[network.name][0].n
    st.caption(
        _(
            "Measured on {count:,} of the {digits}. On the Draw tab a picture is centred, scaled and turned light on "
            "dark first, so that shift, size and inversion do less harm there."
        ).format(count=count, digits=digit_set.title)
    )


def measured(network: Network, digit_set: DigitSet, name: str) -> list[RobustnessCurve] | None:
    """The curves of one network: remembered, or computed when asked."""

    def work(vgg: Any, progress: jobs.Progress) -> Any:
        from vgg_demo.analysis.robustness import measure_robustness
        from vgg_demo.evaluation import sample_indices

        digits = digit_set.load()
        return measure_robustness(vgg, digits[sample_indices(len(digits), count)], progress)

    count = min(len(digit_set.load()), 100 if results.is_slow(network, 44 * SHOWN_DIGITS) else SHOWN_DIGITS)
    key = ("robustness", network.sha256, digit_set.key, count)
    button = _("Measure {name}").format(name=plain(network.name))
    curves: list[RobustnessCurve] | None = jobs.ask(key, results.guarded(network, work), button, name, icon="speed")
    return curves


def sample_pictures(digit_set: DigitSet) -> dict[str, list[bytes]]:
    """One digit under every distortion and amount, as bytes of 28x28."""
    key = ("robust-samples", digit_set.key)
    known: dict[str, list[bytes]] | None = jobs.memory().get(key)
    if known is None:
        from vgg_demo.analysis.robustness import DISTORTIONS, distorted

        one = digit_set.load().images[:1]
        known = {
            name: [distorted(distortion, one, amount).numpy().tobytes() for amount in distortion.amounts]
            for name, distortion in DISTORTIONS.items()
        }
        jobs.memory().put(key, known)
    return known


def in_words(curve: RobustnessCurve) -> str:
    """A curve for someone who cannot see it."""
    cases = [f"{amount:g}: {share * 100:.1f} %" for amount, share in zip(curve.amounts, curve.accuracies, strict=True)]
    return f"{NAMES[curve.distortion]}, {UNITS[curve.distortion]}: " + ", ".join(cases)


def _row(pictures: list[bytes], amounts: list[float]) -> str:
    tile = partial('<figure><img src="{}" width="42" height="42" alt=""><figcaption>{:g}</figcaption></figure>'.format)
    return (
        '<div class="samples">'
        + "".join(tile(gallery.data_uri(p), a) for p, a in zip(pictures, amounts, strict=True))
        + "</div>"
    )
