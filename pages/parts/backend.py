"""The service and the store, for pages: one of each in the app's process. No torch."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from resnet_core.compute.service import Service, connect
from resnet_core.errors import LabError, NewerWeightsError
from resnet_core.formatting import escape_markdown
from resnet_core.home import default_home
from resnet_core.runs.store import RunStore


def service() -> Service:
    """The service of this process, made on first use; the app's lifespan starts and stops it."""
    found = connect(default_home())
    found.on_wait = _end_if_moved_on
    return found


def _end_if_moved_on() -> None:
    """While a page waits for an answer: let Streamlit end this rerun where its visitor has left, or has asked for
    another one meanwhile. By itself Streamlit looks only when something is drawn.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is not None:
        context.yield_check()


def store() -> RunStore:
    """The store that the service writes."""
    return service().store


@contextmanager
def show_errors() -> Iterator[None]:
    """Shows an error that has a sentence for the person, where it happened; the rest of the page goes on. Where a run
    has newer weights than those asked about, the page begins anew with them.
    """
    try:
        yield
    except NewerWeightsError:
        st.rerun()
    except LabError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
