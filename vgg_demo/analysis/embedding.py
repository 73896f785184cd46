"""Which digits the network finds alike: each one as a point in the plane, by the outputs of the last hidden layer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from vgg_demo.data import Digits, Progress, batches
from vgg_demo.errors import CheckpointError
from vgg_demo.evaluation import batch_size_for
from vgg_demo.model import VGG
from vgg_demo.text import N_
from vgg_demo.transforms import transform_batch

COMPONENTS = 50
PERPLEXITY = 30.0
ITERATIONS = 600  # of 1,000 points; more no longer moves the islands
SMALLEST = 10  # fewer digits make no map


@torch.inference_mode()
def hidden_features(network: VGG, digits: Digits, on_progress: Progress | None = None) -> torch.Tensor:
    """What reaches the last linear layer, float32 (N, K), on the CPU. What on_progress raises ends it."""
    network.eval()
    parts, before_last = [], network.classifier[:-1]
    for batch in batches(digits, batch_size_for(network), on_progress):
        inputs = transform_batch(batch.images, network.config)
        feature_maps = network.features(inputs)
        hidden = before_last(torch.flatten(feature_maps, 1))  # (B, K)
        parts.append(hidden.float().cpu())
    return torch.cat(parts)


def project(features: torch.Tensor) -> npt.NDArray[np.float32]:
    """Lay points of K dimensions out in the plane so that neighbours stay neighbours: (N, 2), the same every time.

    Raises CheckpointError when all points are one. Source: van der Maaten and Hinton, "Visualizing Data using t-SNE",
    JMLR 2008, after a principal component analysis, as they did.
    """
    centred = features - features.mean(0)
    if len(features) < SMALLEST or not torch.isfinite(centred).all() or float(centred.std()) < 1e-6:
        raise CheckpointError(
            N_("this network makes the same of every digit, so there is nothing to lay out; it has not learned yet")
        )
    from sklearn.manifold import TSNE  # takes a second to load

    components = min(COMPONENTS, *centred.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _u, _s, directions = torch.pca_lowrank(centred, q=components, center=False)
    reduced = (centred @ directions).numpy()  # (N, 50)
    perplexity = min(PERPLEXITY, (len(reduced) - 1) / 3)
    planar = TSNE(2, init="pca", perplexity=perplexity, max_iter=ITERATIONS, random_state=0).fit_transform(
        reduced / reduced.std()
    )
    return np.asarray(planar, np.float32)
