"""Which sub-group goes with which network?"""

import streamlit as st

import parts
from brainlike_core.figures import captions, charts, matrix
from parts import choice


def open_cell() -> None:
    """A click on a square selects its sub-group and its network; on the mark of a row, the network."""
    cell = parts.clicked("matrix")
    if cell:
        network = {"network": parts.slug(run.atlas.networks[cell[1]])}
        parts.select(**network if cell[0] < 0 else network | {"atom": cell[0]})


with parts.page("Correspondence", "Which sub-group of neurons goes with which brain network?"):
    bar = st.grid(3, min_column_width=220, vertical_alignment="bottom")
    run, selection = parts.choose_run(bar.cell())
    c = run.correspondence
    atom = charts.leading_atom(c) if selection.atom is None else selection.atom
    network = parts.network_index(selection.network, c.networks)
    if not parts.embedded():
        with bar.cell():
            parts.pick_atom(run, atom)
        with bar.cell():
            parts.pick_network(run, network)

    top = st.grid(3, min_column_width=280, gap="medium", vertical_alignment="center")
    words, fakes = top.cell(column_span=2), top.cell()
    with words:
        st.markdown(f"#### {captions.verdict(c)}")
        st.caption(captions.fakes(run))
    with fakes:
        parts.figure(matrix.fake_links(c), "", "Links of real and fake dictionaries", "fakes")

    order = parts.switch("sort", "Sort sub-groups by", [name.capitalize() for name in matrix.ORDERS])
    squares = matrix.correspondence_matrix(c, matrix.atom_order(c, order.lower()), atom=atom, network=network)
    parts.figure(squares, captions.matrix(run), "Sub-groups against networks", "matrix", open_cell)

    below = st.grid(3, min_column_width=280, gap="medium")
    brain, side = below.cell(column_span=2), below.cell()
    with brain:
        st.markdown(charts.atom_sentence(run, atom))
        outline = None if network is None else c.networks[network]
        told = parts.show_brain(
            parts.atom_view(run.id), "beneath", selected_map=atom, threshold=2.3, network=outline, height=440
        )
        st.caption(captions.atom_map(run, atom, parts.mesh_title()))
        parts.follow(told, selection, atom)
        maps = "pages/1_Brain_maps.py"
        parts.ways(
            atom,
            (maps, "Show on the brain", ":material/neurology:", {}),
            (maps, "Its words", ":material/text_fields:", {"view": "words"}),
            (maps, "Its neurons", ":material/grain:", {"view": "neurons"}),
        )
    with side:
        if selection.region is not None:
            parts.region_card(run, selection.region)
        if network is not None:
            parts.network_card(run, network)
        st.subheader("Passages that drive it", anchor=False)
        parts.passages(run, atom)
        if not run.dictionary.names:
            parts.layers(run, atom)

    if run.recovery is not None:
        st.subheader("Held against the planted truth", anchor=False)
        st.markdown(captions.recovery(run))
        parts.recovery_table(run.recovery)
    choice.why_this_many(run, atom)
    links = c.links()
    st.download_button(
        "Links as CSV", links.to_csv(index=False), f"links_{run.id[:12]}.csv", icon=":material/download:"
    )
