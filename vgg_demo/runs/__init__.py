"""Training as a job: the run folder, the process that works in it, and those who start, steer and follow it."""
