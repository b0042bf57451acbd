"""Starts and stops what lives longer than a page: the service that trains and answers. The pages begin in
pages/site.py; an app object (and not a script) so that Streamlit takes ``pages/`` for ours to route."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from resnet_core.compute.service import connect
from resnet_core.gallery.shipped import install
from resnet_core.home import default_home


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    service = connect(default_home())
    install(service.store)
    starting = asyncio.create_task(asyncio.to_thread(service.start))  # pages can be read meanwhile
    gc.freeze()  # what was imported stays: no need to look through it at every collection
    yield
    await starting
    await asyncio.to_thread(service.stop)


app = st.App("pages/site.py", lifespan=lifespan)
