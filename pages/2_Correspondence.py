"""Which sub-group goes with which network?"""

import streamlit as st

import parts
from brainlike_core.figures import captions, charts
from parts import choice


def open_cell() -> None:
    """A click on a square selects its sub-group and its network."""
    cell = parts.clicked("matrix")
    if cell:
        parts.select(atom=cell[0], network=parts.slug(run.atlas.networks[cell[1]]))


with parts.page("Correspondence", "Which sub-group of neurons goes with which brain network?"):
    bar = st.grid(3, min_column_width=240, vertical_alignment="bottom")
    run, selection = parts.choose_run(bar.cell())
    c = run.correspondence
    atom = charts.leading_atom(c) if selection.atom is None else selection.atom
    network = parts.network_index(selection.network, c.networks)
    order = charts.ORDERS[0]
    if not parts.embedded():
        with bar.cell():
            parts.pick_network(run, network)
        order = bar.cell().segmented_control(
            "Sort sub-groups by", charts.ORDERS, default=order, required=True, format_func=str.capitalize
        )

    top = st.grid(3, min_column_width=280, gap="medium", vertical_alignment="center")
    words, fakes = top.cell(column_span=2), top.cell()
    with words:
        st.markdown(f"#### {captions.verdict(c)}")
        st.caption(captions.fakes(run))
    with fakes:
        parts.figure(charts.fake_links(c), "", "Links of real and fake dictionaries", "fakes")

    matrix = charts.correspondence_matrix(c, charts.atom_order(c, order), atom=atom, network=network)
    parts.figure(matrix, captions.matrix(run), "Sub-groups against networks", "matrix", open_cell)

    below = st.grid(3, min_column_width=280, gap="medium")
    brain, side = below.cell(column_span=2), below.cell()
    with brain:
        st.markdown(charts.atom_sentence(run, atom))
        outline = None if network is None else c.networks[network]
        told = parts.show_brain(
            parts.atom_view(run.id), "beneath", selected_map=atom, threshold=2.3, network=outline, height=440
        )
        st.caption(captions.atom_map(run, atom))
        if told.map is not None and told.map != atom:
            parts.select(atom=told.map)
            st.rerun()
    with side:
        if network is not None:
            st.subheader(f"{c.networks[network]}: its sub-groups", anchor=False)
            chart = charts.network_ranking(c, network)
            parts.atom_chart(chart, captions.ranking(run), "Ranking of sub-groups", "ranking")
        st.subheader("Passages that drive it", anchor=False)
        parts.passages(run, atom)

    if run.recovery is not None:
        st.subheader("Held against the planted truth", anchor=False)
        st.markdown(captions.recovery(run))
        parts.recovery_table(run.recovery)
    choice.why_this_many(run, atom)
    links = c.links()
    st.download_button(
        "Links as CSV", links.to_csv(index=False), f"links_{run.id[:12]}.csv", icon=":material/download:"
    )
