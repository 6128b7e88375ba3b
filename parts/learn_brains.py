"""Steps 6 to 10 of the guided tour: from a prediction of the brain to a cut in the model."""

from __future__ import annotations

from typing import Any

import streamlit as st

import parts
from brainlike_core import archive, archive_networks, claims, lessons, report_networks
from brainlike_core.archive_networks import Finished
from brainlike_core.config import ExtractConfig, LesionConfig, NetworksConfig
from brainlike_core.figures import captions, comparison, cuts
from brainlike_core.figures import learn as figures
from brainlike_core.figures.matrix import p_text

from . import learn_jobs
from .compare import show_claim
from .learn_neurons import Here

# -- 6 to 8: the brain ------------------------------------------------------------------------------


def encoding(here: Here, left: Any, right: Any) -> str:
    run = here.run
    steps = tuple(dict.fromkeys(min(2**i, run.dictionary.n_atoms) for i in range(11)))
    with left:
        parts.pick_network(run, here.network)
        n = st.select_slider("Atoms in the regression", steps, steps[-1])
    table = lessons.fit_by_size(here.lesson, here.network, steps)
    row, last = (table.set_index("n_atoms").loc[k] for k in (n, steps[-1]))
    left.markdown(
        f"With {n}: **r {row['home']:.2f}** where it was fitted, **{row['away']:.2f}** in the other half. Fakes: "
        f"{row['fake_home']:.2f} and {row['fake_away']:.2f}."
    )
    caption = figures.fit_caption(
        run.dictionary.n_trs, here.network_name, run.recording.n_subjects, run.encoding.map_delay
    )
    with right:
        parts.figure(
            figures.fit_by_size(table, n), caption, "Fit and prediction by number of atoms", "learn-6"
        )
    best = table.loc[table["away"].idxmax()]
    return (
        f"Only those of the other half. Fitted on {steps[-1]} fakes, which know nothing of the story, the same half already "
        f"gives r {last['fake_home']:.2f} (the real ones {last['home']:.2f}). The half that was not fitted is predicted best "
        f"with {best['n_atoms']:.0f} atoms: r {best['away']:.2f}, as many fakes {best['fake_away']:.2f}; with {steps[-1]}, "
        f"{last['away']:.2f} and {last['fake_away']:.2f}. One set of fakes may be lucky, so the run asks "
        f"{len(run.encoding.null_means)} times: mean held-out r {run.encoding.r_mean:.3f}, p {run.encoding.r_mean_p:.3f}."
    )


def network(here: Here, left: Any, right: Any) -> str:
    table = lessons.network_scores(here.lesson)
    with left:
        parts.pick_network(here.run, here.network)
    own = table[table["network"] == here.network_name]
    if len(own):
        row = own.iloc[0]
        left.markdown(
            f"**{row['network']}**: mean held-out r **{row['r']:.3f}** over {row['n_locations']:,.0f} locations, "
            f"{row['significant']:.0%} of them significant; ceiling {row['ceiling']:.2f}. All networks: "
            f"{here.run.encoding.r_mean:.3f}."
        )
    else:
        left.markdown(f"No location of this recording lies in **{here.network_name}**.")
    with right:
        parts.show_brain(
            parts.score_view(here.run.id),
            "learn-7",
            selected_map=0,
            threshold=0.05,
            network=here.network_name,
            height=400,
        )
        st.caption(captions.score_map(here.run, parts.mesh_title()))
    best, highest = (table.loc[table[column].idxmax()] for column in ("r", "ceiling"))
    same = "the same" if best["network"] == highest["network"] else "not the same"
    return (
        f"Predicted best: {best['network']} (r {best['r']:.3f}, ceiling {best['ceiling']:.2f}). Highest ceiling: "
        f"{highest['network']} ({highest['ceiling']:.2f}, r {highest['r']:.3f}). They are {same}: a low r can be the "
        f"model's fault or that of a noisy place, and the ceiling tells which."
    )


def correspondence(here: Here, left: Any, right: Any) -> str:
    run, c = here.run, here.run.correspondence
    found = lessons.fake_atoms(here.lesson, here.atom, here.network)
    with left:
        parts.pick_atom(run, here.atom)
        parts.pick_network(run, here.network)
        copy = st.slider("Fake atom", 1, len(found.copies_r), 1) - 1
    sign = int(c.dice[1, here.atom, here.network] > c.dice[0, here.atom, here.network])
    at = (sign, here.atom, here.network)
    left.markdown(
        f"Atom {here.atom} and {here.network_name}: **r {found.r:+.2f}**; fake {copy + 1}: {found.copies_r[copy]:+.2f}. "
        f"Against {len(found.copies_r)} fakes: **p {found.p:.3f}**. Map: {c.measure} {c.dice[at]:.2f}, spin p "
        f"{p_text(c.p_spin[at])}."
    )
    with right:
        caption = figures.fakes_caption(found, run.recording.n_subjects)
        parts.figure(
            figures.fakes(found, copy, run.recording.tr), caption, "An atom beside its fakes", "learn-8"
        )
    real, fake = int(c.paper_links.sum()), float(c.n_links_fake.mean())
    more = "fewer than" if real < fake else "more than"
    return (
        f"{real} links pass the spin test; dictionaries of fakes get {fake:.0f} on average, so the real ones are {more} chance "
        f"alone would give. {int(c.accepted_links.sum())} beat both nulls, where fakes get "
        f"{c.n_links_fake_accepted.mean():.1f}."
    )


# -- 9 and 10: other models, and cuts --------------------------------------------------------------------


def compare(here: Here, left: Any, right: Any) -> str:
    run = here.run
    able = [
        one
        for one in archive.finished_runs(parts.store())
        if claims.comparable(run.config, one.config)  # type: ignore[arg-type]
    ]
    if not able:
        return _alone(here, left, right)
    able.sort(key=lambda one: (one.config.extract.model != run.config.extract.model, one.label))  # type: ignore[attr-defined]
    labels = {one.id: one.label for one in able}
    other = parts.load_run(left.selectbox("Compare with", list(labels), format_func=labels.__getitem__))
    found = claims.compare(run, other)
    which = left.selectbox("Claim", range(len(found)), format_func=lambda i: found[i].text)
    with left:
        show_claim(found[which])
    pair = (run, other)
    with right:
        if which == 0:
            parts.figure(comparison.heldout_scores(pair), captions.heldout(pair), "Two models", "learn-9")
        else:
            parts.figure(
                comparison.diversity_consistency(pair), captions.tradeoff(pair), "Two models", "learn-9"
            )
    counts = " and ".join(f"{one.dictionary.n_neurons:,}" for one in pair)
    nulls = " and ".join(f"{one.encoding.null_means.mean():.3f}" for one in pair)
    return (
        f"Chance alone already gives these two a mean r of {nulls}, and they have {counts} neurons. So prediction is compared "
        f"beyond the same sign-randomised recordings, organisation at {run.equal_size.n_neurons:,} neurons each, and a "
        f"difference counts only where its interval leaves 0."
    )


def _alone(here: Here, left: Any, right: Any) -> str:
    """Nothing to compare with: the run among its own null, and a button for its twin with random weights."""
    run, e = here.run, here.run.encoding
    with left:
        st.info("One run cannot be compared. Its twin with random weights is the first one to have.")
        learn_jobs.offer_twin(run)
    with right:
        chart = figures.null_of_one(e.null_means, e.r_mean)
        parts.figure(
            chart, figures.null_caption(len(e.null_means), e.r_mean_p), "This run among its null", "learn-9"
        )
    return (
        f"Meanwhile: the number {e.r_mean:.3f} alone says little. Sign-randomised recordings give "
        f"{e.null_means.min():.3f} to {e.null_means.max():.3f}, and only what lies beyond them can differ between models."
    )


def lesion(here: Here, left: Any, right: Any) -> str:
    extract = here.run.config.extract  # type: ignore[attr-defined]
    wanted = (extract.model, extract.weights, extract.seed)
    made = [one for one in archive_networks.finished_lesions(parts.store()) if _model(one) == wanted]
    if not made:
        return _without_atom(here, left, right)
    ids = {one.id: one for one in made}
    chosen = left.selectbox("Cut", list(ids), format_func=lambda one: ids[one].label)
    found = archive_networks.load_lesion(chosen, parts.store())
    left.markdown("  \n".join(report_networks.lesion_sentences(found)))
    with right:
        parts.figure(
            cuts.cut_effects(found), cuts.cut_caption(found), "The cut model among random cuts", "learn-10"
        )
    row = found.effects.iloc[0]
    worse = "worse than" if row["p_worse"] < cuts.LEVEL else "no worse than"
    return (
        f"Any {found.n_cut:,} neurons may be missed. Here {row['measure']} goes from {row['before']:.3g} to {row['after']:.3g}, "
        f"and to {row['random']:.3g} on average when as many random neurons of the same layers are cut: this cut is {worse} "
        f"those (p {row['p_worse']:.3f})."
    )


def _model(one: Finished[LesionConfig]) -> tuple:
    extract = one.config.networks.extract
    return extract.model, extract.weights, extract.seed


def _without_atom(here: Here, left: Any, right: Any) -> str:
    """No lesion yet: a button for one, and what the brain's prediction loses without one atom."""
    run, extract = here.run, here.run.config.extract  # type: ignore[attr-defined]
    with left:
        parts.pick_atom(run, here.atom)
        st.info("This model has not been cut yet. Meanwhile: one atom is left out of the brain's prediction.")
        networks = NetworksConfig(ExtractConfig(extract.model, weights=extract.weights, seed=extract.seed))
        learn_jobs.offer_lesion(LesionConfig(networks, network=(0,)))
    table = lessons.lost_without(here.lesson, here.atom)
    with right:
        chart = figures.lost(table)
        parts.figure(
            chart, figures.lost_caption(here.atom), "What prediction loses without an atom", "learn-10"
        )
    worst = table.loc[table["lost"].idxmax()] if table["lost"].notna().any() else None
    said = "" if worst is None else f"{worst['network']} loses most, {worst['lost']:.4f} of held-out R². "
    return (
        f"Without atom {here.atom}: {said}But atoms that are alike stand in for each other here, and the model is untouched. "
        "Only a cut in the model, beside random cuts of as many neurons in the same layers, says what the neurons do."
    )
