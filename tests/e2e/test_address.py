"""What is set and shown survives a reload, a server that was away, and a run that is taken away."""

from __future__ import annotations

import re
import shutil
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.benchmarks.server import Server, make_run
from tests.benchmarks.watching import alive
from tests.e2e.test_page import choose_lesson, open_tab, wait_for_step, wait_idle
from tests.helpers import wait_until
from tests.runs.test_reader import line
from vgg_demo.presets import get_preset
from vgg_demo.runs.store import create_run, delete_run

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("browser, trainings")]


def expect_settings(page: Page) -> None:
    expect(page.get_by_role("combobox", name="Preset")).to_have_value("lesson")
    expect(page.get_by_text("Other than in the preset: epochs 5, batch_size 16.")).to_be_visible()


def test_settings_survive_a_reload_and_a_server_that_is_killed_with_its_children(page: Page, server: Server) -> None:
    open_tab(page, server)
    choose_lesson(page)
    page.get_by_text("Settings", exact=True).click()
    for name, value in (("Batch size", "16"), ("Epochs", "5")):
        field = page.get_by_role("spinbutton", name=name)
        field.fill(value)
        field.press("Enter")
        wait_idle(page)
    expect_settings(page)
    given = parse_qs(urlsplit(page.url).query)
    assert given == {"preset": ["lesson"], "batch_size": ["16"], "epochs": ["5"]}

    page.reload()
    expect_settings(page)

    children = psutil.Process(server.process.pid).children(recursive=True)
    server.kill()  # it has no session to come back to, as after a cut that was long enough
    _gone, left = psutil.wait_procs(children, timeout=90)  # the warm worker may still be loading
    assert left == []
    page.locator('[data-testid="stApp"]:not([data-test-connection-state="CONNECTED"])').wait_for()
    server.start()
    page.locator('[data-testid="stApp"][data-test-connection-state="CONNECTED"]').wait_for(timeout=60_000)
    wait_idle(page)
    expect_settings(page)
    page.get_by_text("Settings", exact=True).click()
    expect(page.get_by_role("spinbutton", name="Batch size")).to_have_value("16")
    page.get_by_role("spinbutton", name="Seed").fill("5")
    page.get_by_role("spinbutton", name="Seed").press("Enter")
    expect(page.get_by_text("Other than in the preset: epochs 5, batch_size 16, seed 5.")).to_be_visible()


def test_refused_setting_says_why_and_goes_back_to_the_presets(page: Page, server: Server) -> None:
    open_tab(page, server)
    page.get_by_text("Settings", exact=True).click()
    for name, value, before in (("Image size", "100000", "18"), ("Epochs", "5000", "1"), ("Seed", "-3", "0")):
        field = page.get_by_role("spinbutton", name=name)
        expect(field).to_have_value(before)
        field.fill(value)
        field.press("Enter")

        expect(page.get_by_text(re.compile("was given; ")).first).to_be_visible()
        expect(page.get_by_role("button", name="Start training")).to_be_disabled()
        page.get_by_role("button", name="Back to the preset's settings").click()
        expect(field).to_have_value(before)
        expect(page.get_by_role("button", name="Start training")).to_be_enabled()


def test_wrong_settings_in_the_address_take_one_sentence(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/?tab=TRAIN&batch_size=lots&preset=%3Cb%3E")

    expect(page.get_by_text("The address asks for settings that make no sense")).to_be_visible()
    expect(page.get_by_role("combobox", name="Preset")).to_have_value("classroom")
    expect(page.get_by_role("button", name="Start training")).to_be_enabled()
    expect(page.get_by_test_id("stToast")).to_have_count(1)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_tab_in_small_letters_is_opened(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/?tab=draw")

    expect(page.get_by_role("tab", name="Draw")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("The canvas is empty")).to_be_visible()


def test_watched_run_whose_folder_is_deleted_leaves_the_page(page: Page, server: Server) -> None:
    make_run("other", 300)[0].update_status(state="finished")
    run, _config = make_run("watched", 300, total_steps=1000)
    alive(run).__enter__()  # its folder will be gone before it could leave
    page.goto(f"{server.url}/?tab=Train&run=watched")
    assert wait_for_step(page, 300) == 300
    expect(page.get_by_text("watched · training")).to_be_visible()

    shutil.rmtree(run.path)

    expect(page.get_by_text("other · finished")).to_be_visible()
    expect(page.get_by_text("There is no such run here")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    assert "run" not in parse_qs(urlsplit(page.url).query)


def test_run_of_a_name_that_was_used_before_shows_nothing_of_the_old_one(page: Page, server: Server) -> None:
    run, _config = make_run("again", 300)
    run.update_status(state="finished")
    page.goto(f"{server.url}/?tab=Train&run=again")
    assert wait_for_step(page, 300) == 300
    delete_run(run)

    with alive(create_run(get_preset("classroom").config, "again")):  # it has recorded nothing yet
        page.reload()

        expect(page.get_by_text(re.compile("again · starting"))).to_be_visible()
        expect(page.get_by_label("Loss curve: no batch has been learned from yet.")).to_be_visible()


# what the canvas of the curve writes, with where it begins and ends
WRITTEN = """window.written = {};
const fillText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  const width = this.measureText(text).width, start = this.textAlign === "right" ? x - width : x;
  window.written[text] = [start / devicePixelRatio, (start + width) / devicePixelRatio];
  return fillText.apply(this, arguments);
};"""


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_figures_of_a_run_are_whole_and_leave_the_curve_on_the_screen(page: Page, server: Server, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 568 if width == 320 else 900})
    page.add_init_script(WRITTEN)
    run = create_run(get_preset("classroom").config.with_changes(steps=1_875_000), "long")
    run.metrics_path.write_text("".join(line(step, 2.3) for step in range(1, 12_346)))
    with alive(run):
        page.goto(f"{server.url}/?tab=Train&run={run.name}")
        wait_for_step(page, 12_345)
        expect(page.get_by_text("12,345 / 1,875,000")).to_be_visible()
        expect(page.get_by_text(re.compile(r"^about \d+ h$"))).to_be_visible()
        figures = page.locator(".figures b, .figures span")
        assert figures.evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth).length") == 0
        tops = page.locator(".figures b").evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")
        assert len(set(tops)) == (1 if width == 1280 else 2)
        assert page.locator(".curve").evaluate("curve => curve.getBoundingClientRect().left") >= 0
        start, end = page.evaluate(
            "Object.entries(written).filter(([text]) => text.endsWith('2.301')).map(([, place]) => place)[0]"
        )
        assert start > 44  # pixels that the loss axis takes
        assert end <= page.locator(".curve").evaluate("curve => curve.clientWidth")


def test_list_of_runs_stays_open_with_what_was_typed_when_another_run_starts(page: Page, server: Server) -> None:
    for name in ("one", "two"):
        make_run(name, 30)[0].update_status(state="finished")
    open_tab(page, server)
    page.get_by_text(re.compile("^All runs")).click()
    page.get_by_role("button", name="Rename", exact=True).click()
    field = page.get_by_role("textbox", name="New name")
    field.fill("a-better-name")
    make_run("three", 30)[0].update_status(state="finished")

    field.press("Enter")

    expect(page.get_by_text("3 of 3 runs")).to_be_visible()
    expect(field).to_have_value("a-better-name")
    page.get_by_role("button", name="Rename it").click()
    wait_until(lambda: (server.home / "a-better-name").is_dir())
    expect(page.get_by_text("3 of 3 runs")).to_be_visible()
