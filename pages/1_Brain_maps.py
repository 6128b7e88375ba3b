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
    kind = "Sub-groups"
    if not parts.embedded():
        with bar.cell():
            parts.pick_atom(run, atom)
        with bar.cell():
            parts.pick_network(run, network)
        kind = bar.cell().segmented_control("Maps", ["Sub-groups", "Scores"], default=kind, required=True)

    outline = None if network is None else run.atlas.networks[network]
    if kind == "Sub-groups":
        st.markdown(charts.atom_sentence(run, atom))
        view = parts.atom_view(run.id)
        told = parts.show_brain(view, "maps", selected_map=atom, threshold=2.3, network=outline, height=400)
        st.caption(captions.atom_map(run, atom))
        if told.map is not None and told.map != atom:
            parts.select(atom=told.map)
            st.rerun()
    else:
        view = parts.score_view(run.id)
        told = parts.show_brain(view, "scores", selected_map=0, threshold=0.05, network=outline, height=400)
        st.caption(captions.score_map(run))
    if told.pick and told.pick["location"] is not None and told.pick["location"] != selection.region:
        parts.select(region=told.pick["location"])
        st.rerun()

    words = parts.words(run.id, atom)
    grid = st.grid(3, min_column_width=280, gap="medium")
    wide, narrow = grid.cell(column_span=2), grid.cell()
    with wide:
        st.subheader("When it is active", anchor=False)
        chart = charts.time_course(run.dictionary, atom, run.recording.tr, words)
        parts.figure(chart, captions.course(run), f"Time course of atom {atom}", "course")
        with st.container(height=260):
            st.html(charts.transcript(words))
    with narrow:
        if selection.region is not None:
            where = charts.region_values(
                run.encoding.z_maps, run.recording, parts.regions(), selection.region
            )
            st.subheader(f"Sub-groups at {where[0]}", anchor=False)
            chart = charts.region_ranking(run.correspondence, where[1], 8)
            parts.atom_chart(chart, captions.region(run, where[2]), "Sub-groups of this region", "region")
        st.subheader("Passages that drive it", anchor=False)
        parts.passages(run, atom, 5)
    if not run.dictionary.names:  # features of the words have no neurons
        with narrow if selection.region is None else wide:
            st.subheader("Where its neurons sit", anchor=False)
            chart = charts.layer_histogram(run.dictionary, atom)
            parts.figure(chart, captions.layers(run, atom), f"Neurons of atom {atom} by layer", "layers")
