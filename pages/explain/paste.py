"""Pictures from the clipboard: a pasted one is handed to the file uploader, so it goes the
way of every file. No torch.
"""

import streamlit as st

HTML = '<button type="button">or paste a picture</button><output></output>'
CSS = """
button {
    font: inherit; font-size: 0.875rem; cursor: pointer; width: 100%; padding: 0.4rem 0.75rem;
    color: var(--st-text-color); background: transparent;
    border: 1px dashed var(--st-border-color); border-radius: var(--st-button-radius);
}
button:hover, button:focus-visible { color: var(--st-primary-color); border-color: var(--st-primary-color); }
output { display: block; font-size: 0.875rem; color: var(--st-text-color); }
output:not(:empty) { padding-top: 0.4rem; }
"""
# Streamlit's uploader takes no paste by itself. A click reads the clipboard where the browser lends it (https, and
# this computer itself); the keys work everywhere.
JS = """
export default function ({ data, parentElement }) {
    const button = parentElement.querySelector("button");
    const note = parentElement.querySelector("output");
    const keys = /Mac|iP/.test(navigator.platform) ? "⌘V" : "Ctrl+V";
    button.textContent = `or paste a picture (${keys})`;

    function hand(picture) {
        const input = document.querySelector(`.st-key-${data.uploader} input[type=file]`);
        const time = new Date().toTimeString().slice(0, 8).replaceAll(":", "-");
        const name = `pasted ${time}.${picture.type.split("/")[1]}`;
        const files = new DataTransfer();
        files.items.add(new File([picture], name, { type: picture.type }));
        input.files = files.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
        note.textContent = "";
    }

    function refuse() {
        note.textContent = "The clipboard holds no picture: copy one first.";
    }

    function onPaste(event) {
        const picture = [...event.clipboardData.files].find((file) => file.type.startsWith("image/"));
        const writing = "textarea, input:not([type]), input[type=text], input[type=number]";
        if (picture) hand(picture);
        else if (!event.composedPath()[0].matches?.(writing)) refuse();
    }

    async function onClick() {
        try {
            for (const item of await navigator.clipboard.read()) {
                const type = item.types.find((type) => type.startsWith("image/"));
                if (type) return hand(await item.getType(type));
            }
            refuse();
        } catch {
            note.textContent = `This browser does not let a page look into the clipboard: press ${keys}.`;
        }
    }

    document.addEventListener("paste", onPaste);
    button.onclick = onClick;
    return () => document.removeEventListener("paste", onPaste);
}
"""

_area = st.components.v2.component("paste_picture", html=HTML, css=CSS, js=JS)


def accept_pastes(uploader: str) -> None:
    """A button that pastes; while it is shown, every picture pasted on the page goes to the uploader of that key."""
    _area(key=f"{uploader}_paste", data={"uploader": uploader})
