"""Which of a machine's addresses a phone in the room can use, from lists as they are on real machines."""

from __future__ import annotations

import socket

import pytest

from vgg_demo.addresses import addresses_in_room, own_interfaces
from vgg_demo.ui.board.addresses import page_addresses

LINUX = {
    "lo": ["127.0.0.1", "::1"],
    "docker0": ["172.17.0.1"],
    "br-4f1c2a7b9d3e": ["172.18.0.1"],
    "veth12ab": ["fe80::42:acff:fe11:2%veth12ab"],
    "wlp2s0": ["192.168.178.42", "2001:db8:1::42", "fe80::1c2d:3e4f:5a6b:7c8d%wlp2s0"],
    "enp3s0": ["141.30.7.9"],
}
WINDOWS = {
    "Ethernet": ["169.254.11.12"],  # no cable
    "vEthernet (WSL)": ["172.29.48.1"],
    "VMware Network Adapter VMnet8": ["192.168.80.1"],
    "Wi-Fi": ["10.0.0.17", "fe80::aaaa:bbbb:cccc:dddd"],
    "Loopback Pseudo-Interface 1": ["127.0.0.1", "::1"],
}
MACOS = {
    "lo0": ["127.0.0.1", "fe80::1%lo0"],
    "en0": ["172.16.5.6"],
    "utun3": ["100.64.0.9"],
    "awdl0": ["fe80::5%awdl0"],
}


@pytest.mark.parametrize(
    ("interfaces", "expected"),
    [
        (LINUX, ["192.168.178.42", "141.30.7.9", "2001:db8:1::42"]),
        (WINDOWS, ["10.0.0.17"]),
        (MACOS, ["172.16.5.6"]),
        ({"a": ["10.1.1.1"], "b": ["192.168.1.1"]}, ["10.1.1.1", "192.168.1.1"]),  # as the system has them
        ({"lo": ["127.0.0.1"], "vEthernet (External)": ["192.168.1.7"]}, ["192.168.1.7"]),  # it has the card's address
        ({"lo": ["127.0.0.1", "::1"], "eth0": ["169.254.1.1"]}, []),
        ({}, []),
    ],
)
def test_addresses_in_room_are_those_that_a_phone_can_reach_private_ones_first(
    interfaces: dict[str, list[str]], expected: list[str]
) -> None:
    assert addresses_in_room(interfaces) == expected


@pytest.mark.parametrize("opened", ["http://localhost:8501/", "http://127.0.0.1:8501/?a=b", "http://[::1]:8501/", ""])
@pytest.mark.parametrize("listens_on", [None, "0.0.0.0", "::"])
def test_page_opened_on_its_own_machine_has_the_machines_addresses(opened: str, listens_on: str | None) -> None:
    found = page_addresses(opened, listens_on, 8501, LINUX)

    assert found == ["http://192.168.178.42:8501/", "http://141.30.7.9:8501/", "http://[2001:db8:1::42]:8501/"]


@pytest.mark.parametrize("listens_on", ["127.0.0.1", "localhost", "::1"])
def test_page_of_a_server_that_listens_to_its_own_machine_alone_has_no_address(listens_on: str) -> None:
    assert page_addresses("http://localhost:8501/", listens_on, 8501, LINUX) == []


@pytest.mark.parametrize(
    ("opened", "expected"),
    [
        ("https://digits.school.example/", "https://digits.school.example/"),
        ("https://school.example/class/digits?tab=Draw", "https://school.example/class/digits/"),
        ("http://192.168.178.42:8501", "http://192.168.178.42:8501/"),
    ],
)
def test_page_opened_under_another_name_keeps_it_also_behind_a_proxy(opened: str, expected: str) -> None:
    assert page_addresses(opened, "127.0.0.1", 8501, LINUX) == [expected]


def test_page_of_a_server_that_listens_on_one_address_has_that_one() -> None:
    assert page_addresses("http://localhost:80/", "141.30.7.9", 80, LINUX) == ["http://141.30.7.9/"]


def test_page_served_with_a_certificate_in_a_folder_says_so_in_its_address() -> None:
    found = page_addresses("https://localhost:8501/digits/", None, 8501, MACOS, is_https=True)

    assert found == ["https://172.16.5.6:8501/digits/"]


def test_own_interfaces_have_the_address_that_this_machine_listens_on() -> None:
    with socket.create_server(("127.0.0.1", 0)):
        assert any("127.0.0.1" in texts for texts in own_interfaces().values())
