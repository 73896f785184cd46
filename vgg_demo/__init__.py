"""VGG Demo: train a VGG network on MNIST, evaluate it, and draw digits for it to read."""

__version__ = "0.1.0"
