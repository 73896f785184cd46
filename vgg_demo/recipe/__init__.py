"""What the preset best adds to the training loop."""
