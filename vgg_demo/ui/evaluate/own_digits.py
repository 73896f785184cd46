"""Your own data: what the class has drawn; or a folder or a zip of labelled pictures, read as a drawing is."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import streamlit as st

from vgg_demo.collection.contents import Contents
from vgg_demo.collection.files import picture_name
from vgg_demo.collection.store import Collection, read_collections
from vgg_demo.text import N_, _, ngettext
from vgg_demo.ui.collect.teacher import pick as pick_collection
from vgg_demo.ui.evaluate.results import DigitSet
from vgg_demo.ui.shared import expander, jobs

if TYPE_CHECKING:
    from vgg_demo.data import Digits
    from vgg_demo.drawing.labelled_folder import OwnDigits

MOST_LISTED = 200


def pick() -> DigitSet | None:
    """Ask for a collection, a folder or a zip, and read it. Returns None while there is none that can be used."""
    collections = [pair for pair in read_collections() if pair[1].used]
    kinds = {"zip": _("A zip file"), "folder": _("A folder")}
    if collections:
        kinds = {"class": _("The class's digits"), **kinds}
    kind = st.segmented_control(
        _("They come as"), list(kinds), format_func=kinds.__getitem__, default=next(iter(kinds)),
        key=f"own_kind-{len(kinds)}", required=True,
    )  # fmt: skip
    if kind == "class":
        return of_class(*pick_collection(collections, "evaluate_collection"))
    return read_files(kind == "zip")


def of_class(collection: Collection, contents: Contents) -> DigitSet:
    """The drawings of a collection that are used."""
    called = [picture_name(drawing) for drawing in contents.used]
    seen = hashlib.sha256("".join(drawing.id for drawing in contents.used).encode()).hexdigest()
    text = _("Drawings: **{count:,}** · hands: **{hands:,}**")
    st.caption(text.format(count=len(called), hands=len({drawing.hand for drawing in contents.used})))

    def load() -> Digits:
        from vgg_demo.collection.material import digits_of

        return digits_of(contents)

    return DigitSet(f"own-{collection.id}-{seen[:16]}", N_("digits of the class"), load, called)


def read_files(is_zip: bool) -> DigitSet | None:
    """Ask for a folder or a zip, and read it. Returns None while there is none that can be used."""
    st.markdown(
        _(
            "Pictures of one digit each, in sub-folders called **0** to **9** by what is on them: any size, dark on "
            "light or light on dark. They are read as a picture on the Draw tab is, and are not stored."
        )
    )
    if is_zip:
        upload = st.file_uploader(_("Zip file"), type="zip", key="own_zip")
        files = None if upload is None else [(upload.name, upload.getvalue())]
    else:
        uploads = st.file_uploader(_("Folder"), accept_multiple_files="directory", key="own_folder")
        files = [(upload.name, upload.getvalue()) for upload in uploads] or None
    if files is None:
        st.caption(_("Choose one to see how this network reads it."))
        return None
    work, fingerprint = _reading(is_zip, files), _fingerprint(files)
    key = ("own", is_zip, fingerprint)
    own = jobs.ask(key, work, _("Read them again"), "own", at_once=True, takes_turns=False)
    if own is None:
        return None
    show_left_out(own)
    return DigitSet(f"own-{fingerprint[:16]}", N_("pictures of your own"), lambda: own.digits, own.names)


def show_left_out(own: OwnDigits) -> None:
    """How many pictures could be used, and which could not, with the reason of each."""
    if not own.left_out:
        text = ngettext("The picture could be used.", "All {count:,} pictures could be used.", len(own.digits))
        st.caption(text.format(count=len(own.digits)))
        return
    used = ngettext("{count:,} picture is used", "{count:,} pictures are used", len(own.digits))
    left = ngettext("{count:,} file is left out", "{count:,} files are left out", len(own.left_out))
    counts = [used.format(count=len(own.digits)), left.format(count=len(own.left_out))]
    st.caption(", ".join(counts))
    with expander.kept(_("What is left out, and why"), ":material/rule:", "left_out") as is_open:
        if not is_open:
            return
        listed = own.left_out[:MOST_LISTED]
        st.dataframe(
            {_("file"): [file.name for file in listed], _("why it is left out"): [file.reason for file in listed]},
            hide_index=True,
            alt=_("What is left out, and why"),
        )
        if len(own.left_out) > MOST_LISTED:
            st.caption(_("The first {count:,} are listed.").format(count=MOST_LISTED))


def _reading(is_zip: bool, files: list[tuple[str, bytes]]) -> jobs.Work[OwnDigits]:
    def work(progress: jobs.Progress) -> OwnDigits:
        from vgg_demo.drawing.labelled_folder import read_uploads, read_zip

        return read_zip(io.BytesIO(files[0][1]), progress) if is_zip else read_uploads(files, progress)

    return work


def _fingerprint(files: list[tuple[str, bytes]]) -> str:
    """Of the files' names and contents."""
    total = hashlib.sha256()
    for name, content in files:
        total.update(f"{len(name)}:{name}:{len(content)}:".encode())
        total.update(content)
    return total.hexdigest()
