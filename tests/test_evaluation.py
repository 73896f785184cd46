"""The figures of evaluation against scikit-learn and torch."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
from torchvision.transforms.functional import to_pil_image

from vgg_demo.config import ModelConfig
from vgg_demo.data import Digits
from vgg_demo.evaluation import Evaluation, accuracy_and_loss, predict, predict_probabilities, summarise_predictions
from vgg_demo.model import VGG
from vgg_demo.predictions import Predictions
from vgg_demo.transforms import story_transform


def all_alike(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return logits, labels


def never_answer_three(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    logits[:, 3] -= 100
    return logits, labels


def never_show_seven(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return logits, labels.where(labels != 7, 8)


def always_answer_one(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    logits[:, 1] += 100
    return logits, labels


@pytest.fixture(params=[all_alike, never_answer_three, never_show_seven, always_answer_one])
def answers(request: pytest.FixtureRequest) -> tuple[torch.Tensor, torch.Tensor]:
    """Random logits (500, 10), right about half of the time, and labels (500,)."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (500,), generator=generator)
    logits = torch.randn(500, 10, generator=generator) + 2 * F.one_hot(labels, 10)
    logits, labels = request.param(logits, labels)
    return logits, labels


def summarise(logits: torch.Tensor, labels: torch.Tensor) -> Evaluation:
    return summarise_predictions(Predictions(logits.numpy(), labels.numpy(), np.arange(500), 500, 1.5))


@pytest.fixture
def network() -> VGG:
    torch.manual_seed(0)
    return VGG(ModelConfig("vgg4", 1 / 8, image_size=28, channels=1, batch_norm=True, classifier="linear")).eval()


def test_summarise_agrees_with_scikit_learn(answers: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, labels = answers
    truth, said = labels.numpy(), logits.argmax(1).numpy()

    result = summarise(logits, labels)

    expected = precision_recall_fscore_support(truth, said, labels=range(10), zero_division=0)
    found = [(c.precision, c.recall, c.f1, c.support) for c in result.per_class]
    assert result.confusion_matrix == confusion_matrix(truth, said, labels=range(10)).tolist()
    is_shown, is_answered = (np.bincount(digits, minlength=10) > 0 for digits in (truth, said))
    has_figure = [is_answered, is_shown, is_shown, np.full(10, True)]
    for column, reference, has in zip(zip(*found, strict=True), expected, has_figure, strict=True):
        assert [value is not None for value in column] == has.tolist()
        assert [value for value in column if value is not None] == pytest.approx(reference[has].tolist(), rel=1e-6)
    assert (result.correct, result.n) == ((truth == said).sum(), 500)
    assert [c.digit for c in result.per_class] == list(range(10))


def test_summarise_loss_is_the_mean_cross_entropy(answers: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, labels = answers

    result = summarise(logits, labels)

    by_hand = -logits.double().log_softmax(1)[torch.arange(500), labels].mean().item()
    assert result.loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
    assert result.loss == pytest.approx(by_hand, rel=1e-9)


def test_evaluation_as_plain_values_survives_json(answers: tuple[torch.Tensor, torch.Tensor]) -> None:
    values = summarise(*answers).to_dict()

    assert json.loads(json.dumps(values)) == values


def test_evaluate_reports_progress_up_to_all_images(mnist: tuple[Digits, Digits], network: VGG) -> None:
    calls: list[tuple[int, int]] = []

    summarise_predictions(predict(network, mnist[1][:1200], lambda done, total: calls.append((done, total))))

    assert len(calls) > 1
    assert calls == sorted(set(calls))
    assert {total for _, total in calls} == {1200}
    assert calls[-1] == (1200, 1200)


def test_evaluate_counts_as_the_story_transform_and_torch_do(mnist: tuple[Digits, Digits], network: VGG) -> None:
    digits = mnist[1][:700]
    story = story_transform(28, 1)
    with torch.no_grad():
        logits = network(torch.stack([story(to_pil_image(image)) for image in digits.images]))

    result = summarise_predictions(predict(network, digits))

    answers = logits.argmax(1)
    assert result.correct == int((answers == digits.labels).sum())
    assert result.loss == pytest.approx(F.cross_entropy(logits, digits.labels).item(), rel=1e-4)
    assert result.confusion_matrix == confusion_matrix(digits.labels, answers, labels=range(10)).tolist()
    assert accuracy_and_loss(network, digits) == pytest.approx((result.accuracy, result.loss), rel=1e-5)


def test_evaluate_network_in_training_mode_does_not_learn_from_what_it_sees(
    mnist: tuple[Digits, Digits], network: VGG
) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.train()

    summarise_predictions(predict(network, mnist[1][:100]))

    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_predict_probabilities_add_up_to_one(mnist: tuple[Digits, Digits], network: VGG) -> None:
    probabilities = predict_probabilities(network, mnist[1].images[:5])

    assert probabilities.shape == (5, 10)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(5))


def test_summary_digit_without_images_has_no_recall_and_one_never_answered_no_precision() -> None:
    logits = np.eye(10, dtype=np.float32)[[3, 7, 7, 1]]  # the answers
    labels = np.array([3, 7, 3, 7])

    figures = summarise_predictions(Predictions(logits, labels, np.arange(4), 4, 0.1)).per_class

    found = [(c.precision, c.recall, c.f1, c.support) for c in figures]
    assert found[0] == (None, None, None, 0)
    assert found[1] == (0.0, None, None, 0)
    assert found[3] == (1.0, 0.5, pytest.approx(2 / 3), 2)
    assert found[7] == (0.5, 0.5, 0.5, 2)
