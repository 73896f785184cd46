"""The way in: a QR code and the address that works in this room, or what has to be changed so that there is one."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

import streamlit as st

from vgg_demo.addresses import own_interfaces
from vgg_demo.runs.class_settings import read_class_settings
from vgg_demo.text import _, plain
from vgg_demo.ui.board.addresses import page_addresses
from vgg_demo.ui.shared import locks, resources
from vgg_demo.ui.train import settings_address

option = st.get_option  # of the server
STYLE = """<style>
.join img { width: 100%; max-width: min(24rem, 52vh); display: block; background: white; border-radius: .4rem; }
.join .address { font-size: 1.5rem; font-weight: 600; line-height: 1.25; margin-top: .5rem; overflow-wrap: anywhere; }
</style>"""


def show() -> None:
    """The code and the address, for the settings that the board's own address asks for."""
    found = page_addresses(
        st.context.url or "",
        option("server.address"),
        option("server.port"),
        own_interfaces(),
        is_https=bool(option("server.sslCertFile")),
    )
    if not found:
        show_missing()
        return
    place = st.container()
    address = found[0]
    if len(found) > 1:
        address = st.selectbox(
            _("This computer's address in the room"),
            found,
            format_func=short,
            key="board_address",
            persist_state=resources.KEPT,
            help=_("Take another one when phones do not get through."),
        )
    with place:
        query = urlencode(start_query())
        show_code(address + (f"?{query}" if query else ""), address)


def start_query() -> dict[str, str]:
    """What the code adds to the address: where everybody starts, and what the link hides."""
    config = settings_address.asked_config()
    settings = read_class_settings()
    query = {} if config is None or settings.preset else settings_address.address_of(config.preset, config)
    if "settings" in settings.hidden:
        query = {name: value for name, value in query.items() if name == "preset"}
    if hidden := locks.of_link():
        query[locks.KEY] = ",".join(sorted(hidden))
    return query


def show_code(link: str, address: str) -> None:
    """link: what the code opens. address: what is short enough to be typed."""
    import segno

    code = segno.make(link, error="m", micro=False).svg_data_uri(border=3)
    alt = _("QR code that opens {link}").format(link=link)
    image, text = f'<img src="{code}" alt="{escape(alt)}">', f'<div class="address">{escape(short(address))}</div>'
    st.html(f'{STYLE}<div class="join">{image}{text}</div>')
    if link != address:
        st.caption(_("The code opens: {what}").format(what=plain(link.partition("?")[2].replace("&", ", "))))


def short(address: str) -> str:
    """An address as somebody types it: browsers add http:// themselves."""
    return address.removeprefix("http://").removesuffix("/")


def show_missing() -> None:
    """No phone can reach the page: why, and how to start the server so that they can."""
    listens_on = option("server.address")
    st.markdown(_("**Only this computer can open the page yet.**"))
    if listens_on:
        text = _(
            "Its server listens on {address} alone. So that phones can reach it, end it, and start it again with this "
            "at the end of its command:"
        )
        st.markdown(text.format(address=listens_on))
        st.code("--server.address 0.0.0.0", language=None, wrap_lines=True)
        text = _("Trainings go on meanwhile. The computer's firewall may have to allow port {port}.")
        st.caption(text.format(port=option("server.port")))
    else:
        st.markdown(_("It is in no network. Connect it to the one in which the phones are, then load this page again."))
