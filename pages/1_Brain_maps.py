"""Where in the brain does this sub-group predict?"""

import streamlit as st

import parts
from brainlike_core.figures import captions, charts

with parts.page("Brain maps", "Where in the brain does this sub-group of neurons predict?"):
    bar = st.grid(4, min_column_width=220, vertical_alignment="bottom")
    run, selection = parts.choose_run(bar.cell())
    first = charts.leading_atom(run.correspondence)
    atom = first if selection.atom is None else selection.atom
    network = parts.network_index(selection.network, run.atlas.networks)
    if not parts.embedded():
        with bar.cell():
            parts.pick_atom(run, atom)
        with bar.cell():
            parts.pick_network(run, network)
    with bar.cell():
        kind = parts.switch("maps", "Maps", ["Sub-groups", "Scores", "Story"])

    outline = None if network is None else run.atlas.networks[network]
    if kind == "Sub-groups":
        st.markdown(charts.atom_sentence(run, atom))
        view = parts.atom_view(run.id)
        told = parts.show_brain(view, "maps", selected_map=atom, threshold=2.3, network=outline, height=400)
        st.caption(captions.atom_map(run, atom, parts.mesh_title()))
        parts.follow(told, selection, atom)
    elif kind == "Story":
        st.markdown(charts.atom_sentence(run, atom))
        parts.follow(parts.show_story(run, atom, outline), selection, None)
    else:
        view = parts.score_view(run.id)
        told = parts.show_brain(view, "scores", selected_map=0, threshold=0.05, network=outline, height=400)
        st.caption(captions.score_map(run, parts.mesh_title()))
        parts.follow(told, selection, None)

    under = st.grid(2, min_column_width=280)
    with under.cell():
        below = parts.switch("view", "Below the brain", ["Overview", "Words", "Neurons"])
    with under.cell():
        parts.pick_mesh()
    if below == "Words":
        parts.words_view(run, selection, atom)
    elif below == "Neurons":
        parts.neurons(run, atom)
    else:
        parts.overview(run, selection, atom, network)
