"""Brainlike: which neurons of a language model go with which brain networks.

The walk (arXiv 2410.19542): a story goes through a language model, its neurons
become responses on the scanner's clock, a sparse dictionary groups them, each
atom predicts the brain, and its map is matched to functional brain networks.
"""

__version__ = "0.1.0"
