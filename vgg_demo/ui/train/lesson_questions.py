"""What the lesson asks: five questions with their choices."""

from __future__ import annotations

from dataclasses import dataclass

from vgg_demo.text import N_

STEPS_TO_TRAIN = 150


@dataclass(frozen=True)
class Question:
    """One step, in words to translate. {steps} in text: STEPS_TO_TRAIN. right: the index of the choice that holds."""

    title: str
    text: str
    choices: tuple[str, ...]
    right: int


QUESTIONS = (
    Question(
        N_("Reproduce the story"),
        N_(
            "Someone trained VGG-16 on these digits, with PyTorch's defaults and Adam at 0.001. Here is a smaller "
            "one, just as deep. **What will the loss do in {steps} steps?**"
        ),
        (N_("It falls to nearly 0"), N_("It stays at about 2.30"), N_("It rises until it is no number")),
        1,
    ),
    Question(
        N_("Guess why"),
        N_(
            "The story's network learned nothing. Its author's guess: it is too deep for such simple images. "
            "**And yours?**"
        ),
        (
            N_("It is too deep"),
            N_("The image gets lost on its way through the layers"),
            N_("The learning rate is too high"),
            N_("It needs more time"),
        ),
        1,
    ),
    Question(
        N_("Look at the signal"),
        N_(
            "The signal is how much a layer's output differs between two images. "
            "**How much of it is left after 16 layers?**"
        ),
        (N_("About a half"), N_("About a hundredth"), N_("Less than a ten-thousandth")),
        2,
    ),
    Question(
        N_("Change one thing"),
        N_(
            "He initialisation begins with larger weights: as large as ReLU needs. Nothing else changes, "
            "the 16 layers stay. **Will it learn?**"
        ),
        (N_("Yes"), N_("No, 16 layers are too many"), N_("It will learn, but forget again")),
        0,
    ),
    Question(
        N_("Draw a digit for both"),
        N_("Write a 7 for the broken network and for the mended one. **What will the broken one say?**"),
        (
            N_("A 7, but unsure"),
            N_("Any digit, by chance, another each time"),
            N_("The same digit, whatever is drawn"),
        ),
        2,
    ),
)
