"""Nonlinear against linear unmixing where the truth is known: every model on mixtures of every kind.

``python -m benchmarks.unmixing_experiment`` prints the table of docs/methods/fractional_cover.md: the error of each
cover, root mean square over 20 000 synthetic pixels of three EMIT spectra with noise of 0.005.
"""

import itertools

import numpy as np
from drylands_openeo.udf import fractional_cover as fc

from drylands_openeo.endmembers import published

PIXELS, NOISE = 20_000, 0.005
EMIT = published("emit").spectra
ENDMEMBERS = EMIT[[0, 1, 3]]  # green vegetation, dry vegetation, middle soil
LIBRARIES = [EMIT[[0]], EMIT[[1]], EMIT[2:]]
MODELS = {
    "linear": lambda spectra: fc.unmix_linear(spectra, ENDMEMBERS),
    "bundle, three soils": lambda spectra: fc.unmix_bundle(spectra, LIBRARIES, draws=100, seed=0),
    "ppnm": lambda spectra: fc.unmix_ppnm(spectra, ENDMEMBERS),
    "fan": lambda spectra: fc.unmix_fan(spectra, ENDMEMBERS),
}


def scenes() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """True fractions (n, 3) and, by kind of mixing, spectra (n, bands)."""
    rng = np.random.default_rng(1)
    truth = rng.dirichlet([1, 1, 1.5], PIXELS)
    linear = truth @ ENDMEMBERS
    pairs = list(itertools.combinations(range(3), 2))
    products = [np.outer(truth[:, i] * truth[:, j], ENDMEMBERS[i] * ENDMEMBERS[j]) for i, j in pairs]
    strengths = rng.uniform(0, 1, (3, PIXELS, 1))
    bend = rng.uniform(-0.3, 0.3, (PIXELS, 1))
    kinds = {
        "linear": linear,
        "fan": linear + sum(products),
        "generalised bilinear": linear + sum(share * part for share, part in zip(strengths, products, strict=True)),
        "ppnm": linear + bend * linear**2,
        "linear, light halved": linear * rng.uniform(0.5, 1, (PIXELS, 1)),
    }
    noise = rng.normal(0, NOISE, linear.shape)
    return truth, {name: spectra + noise for name, spectra in kinds.items()}


def errors() -> dict[str, dict[str, np.ndarray]]:
    """Root mean square errors (3,) by kind of mixing and model."""
    truth, kinds = scenes()
    return {
        kind: {name: np.sqrt(np.square(model(spectra)[0] - truth).mean(axis=0)) for name, model in MODELS.items()}
        for kind, spectra in kinds.items()
    }


def table() -> str:
    """Markdown: a row a kind of mixing, a column a model, errors of pv / npv / bare."""
    lines = [f"| truth \\ model | {' | '.join(MODELS)} |", "|---" * (len(MODELS) + 1) + "|"]
    for kind, found in errors().items():
        cells = [" / ".join(f"{value:.3f}"[1:] for value in found[name]) for name in MODELS]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
