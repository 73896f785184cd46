"""What the Train tab says where trainings are a cluster's, and none answers; no browser, no cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers import TINY, close_cluster_engine, run_of_new_network
from vgg_demo.runs.engines import cluster
from vgg_demo.runs.engines.cluster import RAY
from vgg_demo.runs.reasons import DIED
from vgg_demo.runs.store import create_run


@pytest.fixture
def no_cluster(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A setting that names a cluster which does not answer."""
    monkeypatch.setenv("VGG_DEMO_RAY", "127.0.0.2:9")
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.0)
    yield
    close_cluster_engine()


def said(app: AppTest) -> str:
    assert not app.exception
    return "\n".join(element.value for element in (*app.warning, *app.info, *app.error, *app.markdown))


def test_page_without_its_cluster_says_so_and_shows_what_was_trained(app: AppTest, no_cluster: None) -> None:
    run_of_new_network(TINY, "trained")

    app.run()

    assert "Nothing can be trained at present: no Ray cluster answers" in said(app)
    assert "**trained** · finished" in said(app)
    app.button(key="start").click().run()
    assert "no Ray cluster answers" in app.error[0].value


def test_run_whose_machine_died_says_at_which_step_and_that_it_goes_on(app: AppTest, no_cluster: None) -> None:
    create_run(TINY, "mine").update_status(engine=RAY, reason=DIED, attempt=1)

    app.run()

    assert "Its machine died at step 0. It goes on from its last save" in said(app)


def test_run_that_waits_for_a_cluster_says_so_on_a_page_without_the_setting(app: AppTest) -> None:
    create_run(TINY, "mine").update_status(engine=RAY)

    app.run()

    assert "It waits for a cluster that this page was not started with" in said(app)
    assert "mine" in said(app)
    app.button(key="withdraw").click().run()
    assert "**mine** · stopped" in said(app)
