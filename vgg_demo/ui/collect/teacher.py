"""A teacher's side of collections, on the Draw tab: open one, watch it grow, close, keep, load or delete it."""

from __future__ import annotations

import time
from collections.abc import Callable

import streamlit as st

from vgg_demo.collection.contents import Contents, parse_collection
from vgg_demo.collection.store import MOST_TITLE, Collection, copy_collection, open_collection, read_collections
from vgg_demo.errors import CollectionError
from vgg_demo.text import N_, _, plain
from vgg_demo.ui.collect import students, wall
from vgg_demo.ui.shared import expander, identity
from vgg_demo.ui.shared.kept_errors import keep_error, show_error

ERROR = "collection_error"


def show(is_open: bool) -> None:
    """A closed expander, for those who may lead the class. is_open: whether the tab is; a hidden wall does not tick."""
    if not identity.may_teach():
        return
    with expander.kept(_("Collect digits from the class"), ":material/groups:", "collections") as is_shown:
        if is_shown and is_open:
            _show()


def _show() -> None:
    collections = read_collections()
    text = _("Each student draws all ten digits, twice. You see them here, evaluate a network on them, and train with "
             "them. Nobody's name is kept.")  # fmt: skip
    st.caption(text)
    identity.say_that_all_may_teach()
    show_error(ERROR)
    if not collections:
        _show_new()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = pick(collections, "teacher_collection") if collections else None
        if collections:
            with st.popover(_("Another collection"), icon=":material/add:", key=f"another-{collections[0][0].id}"):
                _show_new()
        with st.popover(_("Load one from a file"), icon=":material/upload:"):
            key = f"collection-file-{st.session_state.get('collection_files', 0)}"
            label = _("A collection that was downloaded as a file to load again")
            st.file_uploader(label, type="jsonl", key=key, on_change=_load, args=(key,))
    if picked is not None:
        show_one(*picked)


def pick(collections: list[tuple[Collection, Contents]], key: str) -> tuple[Collection, Contents]:
    """Choose one of the collections, of which there is at least one; the first at first."""
    pairs = {collection.id: (collection, contents) for collection, contents in collections}
    if st.session_state.get(key) not in pairs:
        st.session_state[key] = next(iter(pairs))

    def called(name: str) -> str:
        contents = pairs[name][1]
        opened = time.strftime("%Y-%m-%d %H:%M", time.localtime(contents.opened))
        return _("{title}, opened {when}").format(title=contents.title, when=opened)

    return pairs[st.selectbox(_("Collection"), list(pairs), format_func=called, key=key, width=340)]


def show_one(collection: Collection, contents: Contents) -> None:
    """Whether it takes drawings, what can be done with it, and its wall."""
    link = f"?tab=Draw&{students.ADDRESS}={collection.id}"
    if contents.is_open:
        text = _("It is open: every Draw tab has a button for it, and [this link]({link}) opens it at once.")
        st.markdown(text.format(link=link))
    else:
        st.markdown(_("It is closed: nothing more can be drawn for it."))
    with st.container(horizontal=True):
        label, icon = (_("Close it"), "lock") if contents.is_open else (_("Open it again"), "lock_open")
        st.button(label, icon=f":material/{icon}:", key="switch_collection", on_click=_change,
                  args=(lambda: collection.set_open(not contents.is_open),))  # fmt: skip
        _show_downloads(collection)
        # with keys of its own: the next collection's must not stand open where this one's was
        with st.popover(_("Delete it"), icon=":material/delete:", key=f"ask-delete-{collection.id}"):
            text = _("Delete **{title}** with all its drawings? This cannot be undone.")
            st.markdown(text.format(title=plain(contents.title)))
            st.button(_("Yes, delete all"), type="primary", key=f"delete-{collection.id}", on_click=_change,
                      args=(collection.delete,))  # fmt: skip
    if contents.damaged_lines:
        text = _("{count:,} lines of its file are damaged and left out.")
        st.warning(text.format(count=contents.damaged_lines))
    wall.show(collection, may_change=True)


def _show_downloads(collection: Collection) -> None:
    """As pictures for any program, and as a file for this one."""
    from vgg_demo.collection.files import to_zip

    def lines() -> str:
        return "".join(f"{line}\n" for line in collection.contents().to_lines())

    def pictures() -> bytes:
        return to_zip(collection.contents())

    with st.popover(_("Download"), icon=":material/download:"):
        name, key = f"class-digits-{collection.id}", f"download-{collection.id}"
        text = _("A picture for each drawing, in folders 0 to 9: Evaluate reads it under Your own digits.")
        st.download_button(_("Pictures in a zip"), pictures, f"{name}.zip", "application/zip", f"{key}-zip", text,
                           on_click="ignore")  # fmt: skip
        text = _("Everything, with strokes and hands, in one file.")
        st.download_button(_("A file to load again"), lines, f"{name}.jsonl", "application/jsonl", f"{key}-file", text,
                           on_click="ignore")  # fmt: skip


def _show_new() -> None:
    title = time.strftime("%Y-%m-%d")
    st.text_input(_("Title"), title, max_chars=MOST_TITLE, key="collection_title")
    st.button(_("Open a collection"), type="primary", key="open_collection", on_click=_change, args=(_open,))


def _open() -> None:
    st.session_state["teacher_collection"] = open_collection(st.session_state["collection_title"]).id


def _load(key: str) -> None:
    file = st.session_state.get(key)
    if file is None:
        return
    st.session_state["collection_files"] = st.session_state.get("collection_files", 0) + 1  # an empty uploader

    def load() -> None:
        st.session_state["teacher_collection"] = copy_collection(parse_collection(file.getvalue())).id

    _change(load)


def _change(action: Callable[[], None]) -> None:
    with keep_error(ERROR):
        if not identity.may_teach():
            raise CollectionError(N_("Only the teacher can do this: give the teacher's code first."))
        action()
