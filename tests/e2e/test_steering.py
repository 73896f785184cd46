"""Steering a training in a real browser, with a server and workers that are really killed."""

from __future__ import annotations

import os
import re
import shutil
import signal

import pytest
from playwright.sync_api import Page, expect

from tests.benchmarks.server import Server, make_run
from tests.benchmarks.watching import alive
from tests.e2e.test_page import open_long_training, wait_for_step, wait_idle
from tests.helpers import TINY, steps, wait_until
from tests.runs.test_reader import line
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import Run, create_run

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("browser, trainings")]


def test_later_run_of_the_same_name_shows_nothing_of_the_one_before(page: Page, server: Server) -> None:
    run = create_run(TINY, "same-name")
    run.metrics_path.write_text("".join(line(step) for step in range(1, 31)))
    with alive(run):
        page.goto(f"{server.url}/?tab=Train&run={run.name}")
        wait_for_step(page, 30)
        shutil.rmtree(run.path)

        create_run(TINY, "same-name")
        with alive(run):
            expect(page.get_by_label("Loss curve: no batch")).to_be_attached()
            expect_state(page, run, "starting")


def open_train(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/?tab=Train")
    expect(page.get_by_role("button", name="Start training")).to_be_visible()
    wait_idle(page)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def start(page: Page, server: Server) -> Run:
    """Start a training and wait until its curve has begun. Returns the run that the address names."""
    open_long_training(page, server)
    press(page, "Start training")
    page.wait_for_url(re.compile(r"run="))
    run = shown(page, server)
    wait_until(lambda: len(steps(run)) > 0)
    expect_state(page, run, "training")  # until then the page may still show the run before
    wait_for_step(page, 1)
    return run


def shown(page: Page, server: Server) -> Run:
    match = re.search(r"[?&]run=([\w.-]+)", page.url)
    assert match, page.url
    return Run(server.home / match[1])


def expect_state(page: Page, run: Run, words: str) -> None:
    expect(page.get_by_text(f"{run.name} · {words}").first).to_be_visible()


def pause(page: Page, run: Run) -> int:
    press(page, "Pause")
    expect_state(page, run, "paused")
    return steps(run)[-1]


def stop(page: Page, run: Run) -> None:
    press(page, "Stop")
    expect_state(page, run, "stopped")


def test_training_paused_stepped_reloaded_and_resumed_does_exactly_that(page: Page, server: Server) -> None:
    run = start(page, server)

    at = pause(page, run)
    page.wait_for_timeout(1_000)
    assert steps(run)[-1] == at
    for more in (1, 2):
        press(page, "One batch")
        wait_until(lambda more=more: steps(run)[-1] == at + more)
        page.wait_for_timeout(1_000)
        assert steps(run)[-1] == at + more
        wait_for_step(page, at + more)
        expect_state(page, run, "paused")
    page.reload()
    expect_state(page, run, "paused")
    assert wait_for_step(page, at + 2) == at + 2
    press(page, "Resume")
    expect_state(page, run, "training")
    wait_for_step(page, at + 10)

    stop(page, run)
    assert steps(run) == list(range(1, steps(run)[-1] + 1))


def test_training_told_to_go_to_the_end_of_the_epoch_goes_on_to_it(page: Page, server: Server) -> None:
    open_train(page, server)
    page.get_by_text("Settings", exact=True).click()
    for name, value in {"Batch size": "1000", "Validation images": "30000", "Epochs": "2"}.items():
        page.get_by_role("spinbutton", name=name, exact=True).fill(value)
        page.get_by_role("spinbutton", name=name, exact=True).press("Enter")
        wait_idle(page)
    press(page, "Start training")
    page.wait_for_url(re.compile(r"run="))
    wait_for_step(page, 1)
    run = shown(page, server)
    assert run.config().train.steps_per_epoch == 30
    pause(page, run)

    press(page, "To the end of the epoch")

    wait_until(lambda: steps(run)[-1] >= 30 and run.status().state == "paused", seconds=180)
    page.wait_for_timeout(1_000)
    assert steps(run)[-1] == 30
    expect_state(page, run, "paused")
    assert wait_for_step(page, 30) == 30
    stop(page, run)
    expect(page.get_by_text("of the validation digits are read right")).to_be_visible()


def test_learning_rate_changed_while_it_runs_is_recorded_and_marked(page: Page, server: Server) -> None:
    run = start(page, server)
    at = pause(page, run)

    press(page, "Learning rate")
    field = page.get_by_role("spinbutton", name="New learning rate")
    field.fill("0.002")
    field.press("Enter")
    press(page, "Set")
    page.keyboard.press("Escape")
    press(page, "One batch")

    wait_until(lambda: RunReader(run).refresh().learning_rate_changes)
    wait_until(lambda: steps(run)[-1] > at)
    curve = RunReader(run).refresh()
    (changed_at, value) = curve.learning_rate_changes[0]
    assert (changed_at, value) in [(at, 0.002), (at + 1, 0.002)]
    wait_for_step(page, steps(run)[-1])
    expect_state(page, run, "paused")
    press(page, "One batch")
    wait_until(lambda: steps(run)[-1] > at + 1)
    assert RunReader(run).refresh().learning_rates[at + 1] == pytest.approx(0.002, rel=0.2)  # its schedule goes on
    wait_idle(page)
    expect(page.get_by_label(re.compile("^Loss curve"))).to_be_visible()
    stop(page, run)


def test_second_browser_and_a_phone_see_the_run_but_no_way_to_steer_or_delete_it(
    page: Page, other: Page, phone: Page, server: Server
) -> None:
    run = start(page, server)

    other.goto(f"{server.url}/?tab=Train&run={run.name}")
    phone.goto(page.url)

    for viewer in (other, phone):
        step = wait_for_step(viewer, 1)
        assert wait_for_step(viewer, step + 5) > step  # it follows live
        expect(viewer.get_by_text("You are watching")).to_be_visible()
        for name in ("Stop", "Pause", "Learning rate", "Withdraw"):
            expect(viewer.get_by_role("button", name=name, exact=True)).to_have_count(0)
    stop(page, run)
    for viewer in (other, phone):
        expect_state(viewer, run, "stopped")


def test_second_browser_waits_its_turn_and_starts_by_itself(other: Page, server: Server) -> None:
    first, _config = make_run("first", 30, total_steps=1000)
    with alive(first):
        open_train(other, server)

        press(other, "Start training")
        expect(other.get_by_text("Place 1 in the queue")).to_be_visible()
        withdrawn = shown(other, server)
        press(other, "Withdraw")
        expect_state(other, withdrawn, "stopped")
        assert withdrawn.status().reason == "withdrawn before it started"
        open_long_training(other, server)
        press(other, "Start training")
        expect(other.get_by_text("Place 1 in the queue")).to_be_visible()
        second = shown(other, server)
        assert first.status().state == "running"
        assert second.status().state == "queued"

    expect_state(other, second, "training")
    wait_for_step(other, 5)
    stop(other, second)


def test_waiting_run_starts_though_its_browser_is_closed(page: Page, other: Page, server: Server) -> None:
    first = start(page, server)
    open_train(other, server)
    press(other, "Start training")
    expect(other.get_by_text("Place 1 in the queue")).to_be_visible()
    second = shown(other, server)
    other.close()

    stop(page, first)

    wait_until(lambda: second.status().state == "running" and len(steps(second)) > 0)
    second.send("stop")
    wait_until(lambda: second.status().is_over)


def test_start_clicked_twice_at_once_starts_one_run(page: Page, server: Server) -> None:
    open_long_training(page, server)
    before = {path.parent for path in server.home.glob("*/config.json")}

    page.get_by_role("button", name="Start training").dblclick()
    page.wait_for_url(re.compile(r"run="))
    run = shown(page, server)
    wait_until(lambda: len(steps(run)) > 0)
    page.wait_for_timeout(1_000)

    assert {path.parent for path in server.home.glob("*/config.json")} - before == {run.path}
    expect_state(page, run, "training")
    stop(page, run)


def test_server_killed_and_started_again_finds_the_run_that_went_on(page: Page, server: Server) -> None:
    run = start(page, server)
    pid, at = run.status().pid, steps(run)[-1]

    server.kill()
    wait_until(lambda: steps(run)[-1] >= at + 5)
    server.start()
    wait_for_step(page, at + 5)  # without a reload: the curve asks again by itself
    page.goto(f"{server.url}/?tab=Train")

    expect_state(page, run, "training")
    wait_for_step(page, at + 10)
    assert run.status().pid == pid
    stop(page, run)  # the browser is known to the new server
    assert steps(run) == list(range(1, steps(run)[-1] + 1))


def test_worker_killed_is_reported_at_its_step_and_its_run_resumes(page: Page, server: Server) -> None:
    run = start(page, server)
    saved = pause(page, run)
    press(page, "Resume")
    wait_for_step(page, saved + 5)
    pid = run.status().pid
    assert pid is not None

    os.kill(pid, signal.SIGKILL)

    expect(page.get_by_text(re.compile(r"The process died at step \d+"))).to_be_visible()
    died_at = steps(run)[-1]
    expect(page.get_by_text(f"The process died at step {died_at}.")).to_be_visible()
    press(page, "Resume")
    expect_state(page, run, "training")
    wait_for_step(page, died_at + 5)
    stop(page, run)
    assert steps(run) == list(range(1, steps(run)[-1] + 1))


def test_link_to_a_run_opens_that_run_in_any_browser(other: Page, server: Server) -> None:
    first, second = (make_run(name, 30)[0] for name in ("first", "second"))
    for run in (first, second):
        run.update_status(state="stopped")

    other.goto(f"{server.url}/?tab=Train&run={first.name}")

    expect_state(other, first, "stopped")
    other.goto(f"{server.url}/?tab=Evaluate&run={first.name}")
    expect(other.get_by_role("tab", name="Evaluate", exact=True)).to_have_attribute("aria-selected", "true")
