"""Everything that can go wrong, as one tree. Every message says what was wrong and what would be right, in one line."""

from __future__ import annotations

from vgg_demo.text import Message


class VggDemoError(Exception):
    """Base of every error that this project raises on purpose.

    text: marked with N_, so that it is put into words when it is shown, in its reader's language.
    values: for its {names}.
    """

    def __init__(self, text: str = "", /, **values: object) -> None:
        super().__init__(text)
        self.message = Message(text, **values)

    def __str__(self) -> str:
        return str(self.message)


class ConfigError(VggDemoError):
    """A setting that makes no sense, alone or together with another."""


class DataError(VggDemoError):
    """The MNIST files cannot be unpacked, checked or read."""


class FormatError(VggDemoError):
    """A value in a file, or the whole file, is of another kind than it should be. The caller adds the file's name."""


class CheckpointError(VggDemoError):
    """A file that is no checkpoint, is damaged, or fits another network."""


class ImageError(VggDemoError):
    """A picture that cannot be read."""


class BlankImageError(ImageError):
    """A picture without ink: there is no digit to read."""


class RunError(VggDemoError):
    """A run that cannot be started, steered or resumed."""


class RunNotFoundError(RunError):
    """There is no run of that name."""


class RunFailedError(RunError):
    """The training itself has failed, for the reason that its status says."""


class OutOfMemoryError(VggDemoError):
    """A network, or the training of one, needs more memory than there is."""


class CollectionError(VggDemoError):
    """A collection of the class's digits that is not there, is closed or full, or cannot be used for what was asked."""


class StorageError(VggDemoError):
    """A folder or file that cannot be written."""


class QuestionError(VggDemoError):
    """A message to the feed that is no question, or comes from another site."""


def first_line(error: BaseException) -> str:
    """What the error says, in one line; its type where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
