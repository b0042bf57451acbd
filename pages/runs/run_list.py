"""What the Runs-and-data page is made of: the list of runs with search, one run's actions,
the list of datasets. No torch.
"""

import pandas as pd
import streamlit as st

from pages.parts import datasets as data
from pages.parts import table
from pages.parts.backend import said_plainly, service, store
from resnet_core.errors import LabError
from resnet_core.formatting import percent
from resnet_core.gallery.command import reproduce_command
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.run import Run
from resnet_core.training.recipe import Recipe


def runs() -> None:
    """The list, the actions on what is selected in it, and the way in for runs from elsewhere."""
    known = store().runs()[::-1]
    if not known:
        st.info("No runs yet. Train a network on the Train page, or import a run that someone exported.")
    else:
        picked = listed(known)
        if picked:
            act_on(picked)
    bring_in()


def listed(known: list[Run]) -> list[Run]:
    """The searchable list; returns what is selected."""
    words = (
        st.text_input(
            "Search",
            key="search",
            placeholder="Name, tag, dataset or state",
            icon=":material/search:",
            label_visibility="collapsed",
        )
        .lower()
        .split()
    )
    shown = [run for run in known if all(word in searched(run) for word in words)]
    event = st.dataframe(
        frame(shown),
        hide_index=True,
        key=f"run_list_{'_'.join(run.id for run in shown)}",  # other rows: no tick may move to another run
        on_select="rerun",
        selection_mode="multi-row",
        height="auto",
        column_config={
            "parameters": st.column_config.NumberColumn("parameters", format="localized"),
            "created": st.column_config.DatetimeColumn(
                "created", format="D MMM YYYY, HH:mm", timezone=st.context.timezone
            ),
        },
    )
    st.caption(f"{len(shown)} of {len(known)} runs. Tick rows on the left to work with them.")
    return [shown[row] for row in event.selection.rows if row < len(shown)]


def searched(run: Run) -> str:
    """What the search looks in."""
    return " ".join([run.id, run.name, run.dataset, run.state, *run.tags]).lower()


def frame(shown: list[Run]) -> pd.DataFrame:
    """One row a run, as people read it."""
    return pd.DataFrame(
        {
            "name": [run.name for run in shown],
            "state": [run.state for run in shown],
            "dataset": [run.dataset for run in shown],
            "seed": [run.recipe["seed"] for run in shown],
            "recipe": [run.recipe["name"] for run in shown],
            "last test error": [percent(run.last_test_error) for run in shown],
            "best test error": [percent(run.best_test_error) for run in shown],
            "parameters": [run.parameters for run in shown],
            "device": [run.device_name for run in shown],
            "tags": [list(run.tags) for run in shown],
            "created": pd.to_datetime([run.created for run in shown], unit="s", utc=True),
            "id": [run.id for run in shown],
        }
    )


def act_on(picked: list[Run]) -> None:
    """Put on the table, rename, tag, export, delete."""
    with st.container(border=True):
        if len(picked) == 1:
            if picked[0].origin == "gallery":
                st.markdown(f"**{picked[0].name}** ships with the lab and cannot be changed.")
            else:
                name_and_tags(picked[0])
            made_again(picked[0])
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.button(
                "Put on the table",
                key="put",
                icon=":material/table_restaurant:",
                on_click=table.put,
                args=tuple(run.id for run in picked),
            )
            if len(picked) == 1:
                export(picked[0])
                grow(picked[0])
            if any(run.active for run in picked):
                st.caption("Stop a run before you delete it.")
            elif any(run.origin != "gallery" for run in picked):
                with st.popover("Delete", icon=":material/delete:"):
                    st.markdown(
                        f"Delete {len(picked)} run{'s' * (len(picked) > 1)} with weights and curves? "
                        "This cannot be undone."
                    )
                    st.button("Delete for good", key="delete", type="primary", on_click=delete, args=(picked,))


def name_and_tags(run: Run) -> None:
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
        with said_plainly():
            store().rename(run.id, new_name)
            store().tag(run.id, new_tags)
            st.rerun()


def made_again(run: Run) -> None:
    """What trains this run once more."""
    command = reproduce_command(run)
    if command:
        st.caption("The command that trains it again:")
        st.code(command, language="bash", wrap_lines=True)


def grow(run: Run) -> None:
    """Identity surgery: the run's network made deeper, from its own weights."""
    spec = NetSpec.from_dict(run.spec)
    if run.weights_step is None or spec.layout != "cifar" or spec.family == "highway":
        return
    step = {"basic": 6, "bottleneck": 9}[spec.block]
    with st.popover("Grow deeper", icon=":material/account_tree:"):
        st.markdown(
            "Adds blocks that start as exact identities, so the deeper network gives the same answers as this one "
            "before its training goes on. This is the argument of He et al. 2015 that a deeper network *need not* be "
            "worse, carried out. Look at it on the Explain page, and see what training makes of it."
        )
        depth = st.number_input("New depth", spec.depth + step, 2000, spec.depth + 6 * step, step, key=f"grow_{run.id}")
        epochs = st.number_input("Epochs of further training", 1, 400, 4, key=f"grow_epochs_{run.id}")
        if st.button("Grow and train", key=f"grow_now_{run.id}", type="primary"):
            with said_plainly():
                recipe = Recipe.from_dict(run.recipe).replace(name="custom", epochs=int(epochs), lr=0.01)
                service().grow(run.id, int(depth), recipe)
                st.success("Queued. It is on the Train page.")


def export(run: Run) -> None:
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


def delete(picked: list[Run]) -> None:
    """Deletes, run by run; what cannot be deleted is said."""
    for run in picked:
        with said_plainly():
            service().delete(run.id)


def bring_in() -> None:
    """The way in for a run that another lab exported."""
    with st.expander("Import a run"):
        upload = st.file_uploader(
            "A run exported from another lab", type=["skiprun", "zip"], key="bundle", max_upload_size=200
        )
        if upload and st.button("Import it", key="import_bundle", type="primary"):
            try:
                run = service().import_run(upload.getvalue())
            except LabError as error:
                st.error(str(error), icon=":material/error:")
            else:
                st.success(f"Imported as {run.name}.")


def datasets() -> None:
    """Every dataset, then the ways to get more."""
    for info in service().datasets():
        with st.container(border=True):
            text, action = st.columns([5, 1], vertical_alignment="center")
            text.markdown(f"**{info.title}**  \n:gray[{data.facts(info) if info.ready else 'not here yet'}]")
            if info.name == "cifar-10" and not info.ready:
                data.offer_cifar10()
            elif info.name not in ("cifar-10", "shapes-10"):
                with action.popover("Delete", icon=":material/delete:"):
                    st.markdown("Runs trained on it stay, but cannot be resumed.")
                    st.button(
                        "Delete for good", key=f"drop_{info.name}", type="primary", on_click=drop, args=(info.name,)
                    )
            st.caption(info.source)
            data.show(info)
    with st.container(border=True):
        data.own_pictures()


def drop(name: str) -> None:
    """Deletes one of the person's own datasets."""
    with said_plainly():
        service().delete_dataset(name)
