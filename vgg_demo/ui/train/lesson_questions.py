"""What the lesson asks: five questions with their choices."""

from __future__ import annotations

from dataclasses import dataclass

from vgg_demo.text import _

STEPS_TO_TRAIN = 150


@dataclass(frozen=True)
class Question:
    """One step. right: the index of the choice that the measurement confirms."""

    title: str
    text: str
    choices: tuple[str, ...]
    right: int


def questions() -> list[Question]:
    """The five steps' questions."""
    return [
        Question(
            _("Reproduce the story"),
            _(
                "Someone trained VGG-16 on these digits, with PyTorch's defaults and Adam at 0.001. Here is a smaller "
                "one, just as deep. **What will the loss do in {steps} steps?**"
            ).format(steps=STEPS_TO_TRAIN),
            (_("It falls to nearly 0"), _("It stays at about 2.30"), _("It rises until it is no number")),
            1,
        ),
        Question(
            _("Guess why"),
            _(
                "The story's network learned nothing. Its author's guess: it is too deep for such simple images. "
                "**And yours?**"
            ),
            (
                _("It is too deep"),
                _("The image gets lost on its way through the layers"),
                _("The learning rate is too high"),
                _("It needs more time"),
            ),
            1,
        ),
        Question(
            _("Look at the signal"),
            _(
                "The signal is how much a layer's output differs between two images. "
                "**How much of it is left after 16 layers?**"
            ),
            (_("About a half"), _("About a hundredth"), _("Less than a ten-thousandth")),
            2,
        ),
        Question(
            _("Change one thing"),
            _(
                "He initialisation begins with larger weights: as large as ReLU needs. Nothing else changes, "
                "the 16 layers stay. **Will it learn?**"
            ),
            (_("Yes"), _("No, 16 layers are too many"), _("It will learn, but forget again")),
            0,
        ),
        Question(
            _("Draw a digit for both"),
            _("Write a 7 for the broken network and for the mended one. **What will the broken one say?**"),
            (
                _("A 7, but unsure"),
                _("Any digit, by chance, another each time"),
                _("The same digit, whatever is drawn"),
            ),
            2,
        ),
    ]
