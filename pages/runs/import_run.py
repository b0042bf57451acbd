"""The way in for a run that another lab exported. No torch."""

import streamlit as st

from pages.parts.backend import service, show_errors
from resnet_core.formatting import escape_markdown

MAX_MB = 200


def show_import_form() -> None:
    """The uploader, and what came of it."""
    with st.expander("Import a run"):
        upload = st.file_uploader(
            "A run exported from another lab", type=["skiprun", "zip"], key="bundle", max_upload_size=MAX_MB
        )
        if upload and st.button("Import it", key="import_bundle", type="primary"):
            with show_errors():
                run = service().import_run(upload.getvalue())
                st.success(f"Imported as {escape_markdown(run.name)}.")
