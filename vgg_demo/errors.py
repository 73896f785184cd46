"""Everything that can go wrong, as one tree.

VggDemoError
├── ConfigError           a setting that makes no sense, alone or with another
├── DataError             MNIST cannot be unpacked or read
├── FormatError           a value in a file that is of another kind than it should be
├── CheckpointError       a file that holds no usable network
├── ImageError            a picture that cannot be read
│   └── BlankImageError   a picture without ink
├── RunError              a run that cannot be started or steered
│   ├── RunNotFoundError  no run of that name
│   └── RunFailedError    a run that came to a bad end
├── OutOfMemoryError      a network that needs more memory than there is
├── StorageError          a place that cannot be written
└── QuestionError         what is asked of the server's feed makes no sense

Every message says what was wrong and what would be right, in one line.
"""


class VggDemoError(Exception):
    """Base of every error that this project raises on purpose."""


class ConfigError(VggDemoError):
    """A setting that makes no sense, alone or together with another."""


class DataError(VggDemoError):
    """The MNIST files cannot be unpacked, checked or read."""


class FormatError(VggDemoError):
    """A file, or a value in it, that is of another kind than it should be. Whoever knows the file says which it is."""


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


class StorageError(VggDemoError):
    """A folder or file that cannot be written."""


class QuestionError(VggDemoError):
    """A message to the feed that is no question, or comes from another site."""


def first_line(error: BaseException) -> str:
    """What the error says, in one line; its type where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
