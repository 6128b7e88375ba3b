"""Steps 1 to 5 of the guided tour: from a neuron to a sub-group of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

import parts
from brainlike_core import lessons
from brainlike_core.figures import learn as figures
from brainlike_core.lessons import Lesson
from brainlike_core.values import Run, neuron_name

SHOWN_WORDS = 40


@dataclass(frozen=True)
class Here:
    """The run of the tour, and what the address points at in it."""

    lesson: Lesson
    atom: int
    network: int
    neuron: int

    @property
    def run(self) -> Run:
        return self.lesson.run

    @property
    def network_name(self) -> str:
        return self.run.atlas.networks[self.network]

    @property
    def neuron_name(self) -> str:
        d = self.run.dictionary
        return neuron_name(d.layers, d.n_units, self.neuron)


def _pick_neuron(here: Here) -> None:
    d = here.run.dictionary
    layer, unit = divmod(here.neuron, d.n_units)
    st.session_state["learn-layer"], st.session_state["learn-unit"] = d.layers[layer], unit

    def write() -> None:
        chosen = d.layers.index(st.session_state["learn-layer"]) * d.n_units
        parts.select(neuron=chosen + min(st.session_state["learn-unit"], d.n_units - 1))

    if len(d.layers) > 1:
        st.select_slider("Layer", d.layers, key="learn-layer", on_change=write)
    st.number_input("Unit", 0, d.n_units - 1, key="learn-unit", on_change=write)


def _no_words(right: Any) -> str:
    """What is said of a run without responses to single words, and in place of the answer."""
    right.info("This run kept its neurons by volume, not by word: a smaller model or one story shows them.")
    return "Only a run with responses to single words can say."


# -- 1 to 3: a neuron, on the clock of the scanner --------------------------------------------


def neuron(here: Here, left: Any, right: Any) -> str:
    heard = lessons.neuron_words(here.lesson, here.neuron)
    with left:
        _pick_neuron(here)
    if heard is None:
        return _no_words(right)
    last = max(len(heard) - SHOWN_WORDS, 0)
    start = left.slider("First word of the passage", 0, last, 0, 10) if last else 0
    top = heard.loc[heard["response"].idxmax()]
    left.markdown(
        f"{here.neuron_name.capitalize()}: one of **{here.lesson.n_neurons:,}** neurons. It responds most to "
        f"**{figures.plain(top['word'])}**, {top['onset']:.0f} s into the recording ({top['response']:+.1f} SD)."
    )
    shown = heard.iloc[start : start + SHOWN_WORDS]
    with right:
        caption = figures.words_caption(len(shown), len(heard))
        parts.figure(figures.neuron_words(shown), caption, "Response of one neuron to words", "learn-1")
    again = lessons.recurring_word(heard)
    if again is None:
        return "No word of this story is heard three times: it cannot say."
    reach = (
        f"**{figures.plain(again.word)}** is heard {again.n} times, and this neuron's responses to it reach from "
        f"{again.low:+.1f} to {again.high:+.1f} SD"
    )
    if again.low > 1:
        return f"In part. {reach}: high each time, but moved by the context by {again.high - again.low:.1f} SD. Try another neuron."
    return f"No. {reach}: what it answers to is the word in its context."


def response(here: Here, left: Any, right: Any) -> str:
    heard, own = lessons.neuron_words(here.lesson, here.neuron), here.run.recording.tr
    tr = left.slider("Seconds per volume", 0.5, 5.0, float(own), 0.1)
    if heard is None:
        return _no_words(right)
    means, kept = lessons.by_volume(heard, tr)
    left.markdown(
        f"{here.neuron_name.capitalize()}: its {len(heard):,} responses become **{len(means):,}** volumes, which keep "
        f"**{kept:.0%}** of the variance. This recording has a volume every {own:g} s."
    )
    shown = heard.iloc[:SHOWN_WORDS]
    inside = means[means["onset"] <= shown["onset"].iloc[-1]]
    with right:
        caption = figures.volumes_caption(len(heard), len(means), kept, tr)
        parts.figure(figures.volumes(shown, inside, tr), caption, "Words and volumes", "learn-2")
    at_own, at_double = (lessons.by_volume(heard, factor * own)[1] for factor in (1, 2))
    return f"At {own:g} s {at_own:.0%} of the variance over words is left, at {2 * own:g} s {at_double:.0%}."


def hrf(here: Here, left: Any, right: Any) -> str:
    run, lesson = here.run, here.lesson
    network = _word_network(here)
    with left:
        parts.pick_network(run, network)
        on = st.toggle("Convolve with the haemodynamic response", True)
        delay = st.slider("Further delay (s)", -4.0, 10.0, 0.0, 0.5)
    delays = lessons.DELAYS
    curves = {way: lessons.delay_curve(lesson, network, way, delays) for way in (True, False)}
    curve, names = curves[on], ("with the response", "without it")
    r = float(curve.loc[curve["delay"] == delay, "r"].iloc[0])
    left.markdown(
        f"{delay:g} s later, {names[not on]}, words per volume correlate **r {r:.2f}** with {run.atlas.networks[network]}."
    )
    shape = lessons.hrf_curve(run.recording.tr)
    chart = figures.delays(shape, curve, curves[not on], delay, names if on else names[::-1])
    caption = figures.delays_caption(
        run.recording.n_subjects, run.dictionary.n_trs, int((lesson.share[:, network] > 0).sum()),
        run.atlas.networks[network], run.recording.pass_band,
    )  # fmt: skip
    with right:
        parts.figure(chart, caption, "Correlation by delay", "learn-3")
    best = {way: one.loc[one["r"].idxmax()] for way, one in curves.items()}
    peak = shape.loc[shape["response"].idxmax(), "seconds"]
    weak = (
        " At correlations as small as these, the place of a peak means little."
        if best[True]["r"] < 0.1
        else ""
    )
    return (
        f"Without it at {best[False]['delay']:g} s (r {best[False]['r']:.2f}), with it at {best[True]['delay']:g} s "
        f"(r {best[True]['r']:.2f}). The response to one moment peaks {peak:.1f} s after it: bare counts have to wait for "
        f"the blood, convolved ones have waited already.{weak}"
    )


def _word_network(here: Here) -> int:
    """The network of the address; else that in which word rate was planted; else the tour's."""
    recovery = here.run.recovery
    if "network" not in st.query_params and recovery is not None:
        rows = recovery.table.query("pattern == 'word_rate'")
        if len(rows):
            return here.run.atlas.networks.index(rows["network"].iloc[0])
    return here.network


# -- 4 and 5: atoms and sub-groups --------------------------------------------------------------


def atom(here: Here, left: Any, right: Any) -> str:
    run, d = here.run, here.run.dictionary
    most = len(lessons.rebuilt(here.lesson, here.neuron, d.n_atoms).atoms)
    with left:
        _pick_neuron(here)
        n = st.slider("Atoms to add up", 0, most, min(1, most)) if most else 0
    found = lessons.rebuilt(here.lesson, here.neuron, n)
    named = ", ".join(str(k) for k in found.atoms) or "none"
    left.markdown(
        f"{here.neuron_name.capitalize()} loads on **{most}** of {d.n_atoms} atoms. With {n} of them (atom {named}) "
        f"**{found.r2:.0%}** of its variance is explained."
    )
    caption = figures.rebuilt_caption(found, float(d.r2[here.neuron]), d.n_atoms)
    with right:
        parts.figure(
            figures.rebuilt(found, run.recording.tr), caption, "A neuron and its sum of atoms", "learn-4"
        )
    return (
        f"There are {here.lesson.n_neurons:,} neurons and {d.n_trs} rows of time: a regression on all neurons fits anything "
        f"exactly, noise too. {d.n_atoms} atoms sum them up (half of the neurons have an R² above "
        f"{_median(d.r2):.2f}), and leave rows to be wrong about."
    )


def _median(values: Any) -> float:
    return float(pd.Series(values).median())


def sub_group(here: Here, left: Any, right: Any) -> str:
    d = here.run.dictionary
    with left:
        parts.pick_atom(here.run, here.atom)
        threshold = st.slider("Loading beyond", 0.0, 0.9, 0.2, 0.05)
    counts = lessons.members(d, here.atom, threshold)
    size, n_layers = int(counts.sum()), int((counts > 0).sum())
    left.markdown(
        f"**{size:,}** neurons load on atom {here.atom} by more than {threshold:g}; they lie in {n_layers} of "
        f"{len(d.layers)} layers."
    )
    curve = pd.DataFrame(
        {"threshold": lessons.THRESHOLDS, "size": lessons.sizes(d, here.atom, lessons.THRESHOLDS)}
    )
    chart = figures.members(d.layers, counts, curve, threshold, size)
    with right:
        caption = figures.members_caption(size, d.n_neurons, threshold)
        parts.figure(chart, caption, f"Neurons of atom {here.atom}", "learn-5")
    some, own = int(lessons.sizes(d, here.atom, lessons.THRESHOLDS)[0]), int((d.subgroups == here.atom).sum())
    each = _median(d.loading_starts[1:] - d.loading_starts[:-1])
    return (
        f"By its strongest atom, yes: so {own:,} neurons belong to atom {here.atom}. But {some:,} load on it at all, and half "
        f"of the neurons load on {each:.0f} atoms or more: sub-groups overlap, and the cut is a choice to be stated."
    )
