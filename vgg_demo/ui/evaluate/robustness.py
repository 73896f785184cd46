"""How robust a network is: the same digits made harder, a curve for each way, with sample pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from vgg_demo.text import N_, _, percent, plain, translate
from vgg_demo.ui.evaluate import charts, gallery, results
from vgg_demo.ui.evaluate.compare import others
from vgg_demo.ui.evaluate.results import DigitSet, Result
from vgg_demo.ui.shared import jobs
from vgg_demo.ui.shared.networks import Network

if TYPE_CHECKING:
    from vgg_demo.analysis.robustness import RobustnessCurve
    from vgg_demo.model import VGG

SHOWN_DIGITS, SHOWN_TO_A_SLOW_ONE = 1_000, 100
MOST_NETWORKS = 5
TITLES = {
    "shift": (N_("Shifted"), N_("pixels, in any direction")),
    "rotate": (N_("Rotated"), N_("degrees, to either side")),
    "scale": (N_("Scaled"), N_("per cent of its size")),
    "thin": (N_("Thinned"), N_("pixels off every side of the strokes")),
    "thicken": (N_("Thickened"), N_("pixels on every side of the strokes")),
    "noise": (N_("Noised"), N_("noise, in per cent of full ink")),
    "invert": (N_("Inverted"), N_("per cent on the way to its negative")),
}  # of each distortion, with the unit of its amounts


def show(result: Result) -> None:
    """A curve for each distortion, for this network and for others that are chosen beside it."""
    st.caption(
        _(
            "The same digits, harder and harder. A network that learned from clean digits only falls early; one that "
            "is to read a hand must stay up."
        )
    )
    network, digit_set = result.network, result.digit_set
    chosen: list[str] = []
    if beside := others(network, digit_set):
        label = _("Other networks beside it")
        chosen = st.multiselect(label, list(beside), key="robust_others", max_selections=MOST_NETWORKS - 1)
    curves: dict[str, list[RobustnessCurve]] = {}
    for place, one in enumerate([network, *(beside[name] for name in chosen)]):
        found = measured(one, digit_set, f"robust-{place}")
        if found is None:
            return
        curves[one.name] = found
    columns = st.columns(2, gap="large")
    for place, same_distortion in enumerate(zip(*curves.values(), strict=True)):
        with columns[place % 2]:
            show_curves(dict(zip(curves, same_distortion, strict=True)), digit_set)
    count = curves[network.name][0].n
    text = _(
        "Measured on {count:,} of the {digits}. On the Draw tab a picture is centred, scaled and turned light on "
        "dark first, so that shift, size and inversion do less harm there."
    )
    st.caption(text.format(count=count, digits=translate(digit_set.title)))


def show_curves(curves: dict[str, RobustnessCurve], digit_set: DigitSet) -> None:
    """The accuracy under one distortion, by network, and one digit under it. The words are of the first network."""
    first = next(iter(curves.values()))
    title, unit = map(translate, TITLES[first.distortion])
    cases = [f"{amount:g}: {percent(share, 1)}" for amount, share in zip(first.amounts, first.accuracies, strict=True)]
    st.markdown(f"**{title}**")
    st.echarts_chart(
        charts.robustness(curves, unit),
        height=240,
        key=f"robustness-{first.distortion}",
        alt=f"{title}, {unit}: " + ", ".join(cases),
    )
    tile = '<figure><img src="{}" width="42" height="42" alt=""><figcaption>{:g}</figcaption></figure>'
    samples = zip(sample_pictures(first.distortion, digit_set), first.amounts, strict=True)
    tiles = "".join(tile.format(gallery.data_uri(picture), amount) for picture, amount in samples)
    st.html(f'<div class="samples">{tiles}</div>')


def measured(network: Network, digit_set: DigitSet, name: str) -> list[RobustnessCurve] | None:
    """The curves of one network: remembered, or computed when asked."""

    def work(vgg: VGG, progress: jobs.Progress) -> list[RobustnessCurve]:
        from vgg_demo.analysis.robustness import measure_robustness
        from vgg_demo.evaluation import sample_indices

        digits = digit_set.load()
        return measure_robustness(vgg, digits[sample_indices(len(digits), count)], progress)

    most = SHOWN_TO_A_SLOW_ONE if results.is_slow(network, 44 * SHOWN_DIGITS) else SHOWN_DIGITS
    count = min(len(digit_set.load()), most)
    key = ("robustness", network.sha256, digit_set.key, count)
    button = _("Measure {name}").format(name=plain(network.name))
    return jobs.ask(key, results.unchanged(network, work), button, name, icon="speed")


def sample_pictures(name: str, digit_set: DigitSet) -> list[bytes]:
    """The set's first digit under every amount of a distortion, as bytes of 28x28."""
    from vgg_demo.analysis.robustness import DISTORTIONS, distorted

    first = digit_set.load().images[:1]
    return [distorted(DISTORTIONS[name], first, amount).numpy().tobytes() for amount in DISTORTIONS[name].amounts]
