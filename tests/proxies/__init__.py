"""The page behind nginx, in frames of other sites, and with a network that goes away: python -m tests.proxies."""
