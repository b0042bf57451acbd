"""What can be done with the selected runs: put on the table, rename, tag, export, grow, delete. No torch."""

import streamlit as st

from pages.parts import table
from pages.parts.backend import service, show_errors, store
from pages.parts.starters import note_start
from resnet_core.formatting import escape_markdown
from resnet_core.gallery.command import reproduce_command, why_no_command
from resnet_core.networks.depths import MAX_DEPTH, depth_step
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.run import Run
from resnet_core.training.recipe import Recipe


def show_run_actions(runs: list[Run]) -> None:
    """All that these runs allow; one alone allows more."""
    if damaged := [run for run in runs if run.damage]:
        _show_damaged(damaged)
        return
    with st.container(border=True):
        if len(runs) == 1:
            if runs[0].origin == "gallery":
                st.markdown(f"**{escape_markdown(runs[0].name)}** ships with the lab and cannot be changed.")
            else:
                _show_name_and_tags(runs[0])
            _show_command(runs[0])
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.button(
                "Put on the table",
                key="put",
                icon=":material/table_restaurant:",
                on_click=table.put,
                args=tuple(run.id for run in runs),
            )
            if len(runs) == 1:
                _show_export(runs[0])
                _show_grow_form(runs[0])
            _show_delete(runs)


def _show_damaged(runs: list[Run]) -> None:
    """What is wrong with them, and the way to be rid of them."""
    with st.container(border=True):
        for run in runs:
            st.warning(f"{run.id} cannot be shown. {escape_markdown(run.damage)}", icon=":material/broken_image:")
        _show_delete(runs)


def _show_name_and_tags(run: Run) -> None:
    """One run's name and tags, to edit."""
    name, tags, save = st.columns([3, 4, 1], vertical_alignment="bottom")
    new_name = name.text_input("Name", run.name, max_chars=80, key=f"name_{run.id}")
    new_tags = tags.multiselect(
        "Tags",
        sorted({*run.tags, *(tag for other in store().runs() for tag in other.tags)}),
        default=list(run.tags),
        accept_new_options=True,
        key=f"tags_{run.id}",
        placeholder="Type a word and press Enter",
    )
    if save.button("Save", key=f"save_{run.id}", width="stretch"):
        with show_errors():
            store().rename(run.id, new_name)
            store().tag(run.id, new_tags)
            st.rerun()


def _show_command(run: Run) -> None:
    """The command line that trains this run once more."""
    if command := reproduce_command(run):
        st.caption("The command that trains it again:")
        st.code(command, language="bash", wrap_lines=True)
    elif reason := why_no_command(run):
        st.caption(escape_markdown(reason))


def _show_export(run: Run) -> None:
    """The run as one file."""
    st.download_button(
        "Export",
        lambda: service().export_run(run.id),
        file_name=f"{run.id}.skiprun",
        mime="application/zip",
        key=f"export_{run.id}",
        icon=":material/download:",
        on_click="ignore",
        help="One file with network, recipe, curves, layer statistics and weights. Another lab can import it.",
    )


def _show_grow_form(run: Run) -> None:
    """Identity surgery: the run's network made deeper, from its own weights."""
    spec = NetSpec.from_dict(run.spec)
    if run.weights_step is None or spec.layout != "cifar" or spec.family == "highway":
        return
    step = depth_step(spec)
    with st.popover("Grow deeper", icon=":material/account_tree:"):
        st.markdown(
            "Adds blocks that start as exact identities, so the deeper network gives the same answers as this one "
            "before its training goes on. This is the argument of He et al. 2015 that a deeper network *need not* be "
            "worse, carried out. Look at it on the Explain page, and see what training makes of it."
        )
        depth = st.number_input(
            "New depth", spec.depth + step, MAX_DEPTH, spec.depth + 6 * step, step, key=f"grow_{run.id}"
        )
        epochs = st.number_input("Epochs of further training", 1, 400, 4, key=f"grow_epochs_{run.id}")
        if st.button("Grow and train", key=f"grow_now_{run.id}", type="primary"):
            with show_errors():
                recipe = Recipe.from_dict(run.recipe).replace(name="custom", epochs=int(epochs), lr=0.01)
                note_start(service().grow(run.id, int(depth), recipe))
                st.success("Queued. It is on the Train page.")


def _show_delete(runs: list[Run]) -> None:
    """The button that deletes, and asks first; not for runs in work, nor for those that ship."""
    if any(run.active for run in runs):
        st.caption("Stop a run before you delete it.")
    elif any(run.origin != "gallery" for run in runs):
        with st.popover("Delete", icon=":material/delete:"):
            st.markdown(
                f"Delete {len(runs)} run{'s' * (len(runs) > 1)} with weights and curves? This cannot be undone."
            )
            st.button("Delete for good", key="delete", type="primary", on_click=_delete, args=(runs,))


def _delete(runs: list[Run]) -> None:
    """Deletes run by run; what cannot be deleted is said."""
    for run in runs:
        with show_errors():
            service().delete(run.id)
