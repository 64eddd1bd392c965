"""MNIST, ten times one digit against the rest, by strength of L1."""

import gzip
from pathlib import Path

import numpy as np

import oco


def idx(path: Path) -> np.ndarray:
    """An array of bytes in the idx format."""
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    shape = [int.from_bytes(raw[4 + 4 * k : 8 + 4 * k], "big") for k in range(raw[3])]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def mnist(
    images: np.ndarray, labels: np.ndarray, others: np.ndarray, answers: np.ndarray, digits: int
) -> dict[str, np.ndarray]:
    """Error and share of non-zeros of ten detectors, by learner and by strength of L1."""
    a, b = (part.reshape(len(part), -1) / 255.0 / 10.0 for part in (images[:digits], others))
    kinds = {
        "RDA": lambda: oco.RDA(0.1), "FOBOS": lambda: oco.FOBOS(3.0),
        "AdaGrad-RDA": lambda: oco.AdaGradRDA(0.1, 0.1), "AdaGrad-FOBOS": lambda: oco.AdaGradFOBOS(0.1, 0.1),
    }  # fmt: skip
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for l1 in (0.0, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3):
        scores = {kind: np.zeros((len(b), 10)) for kind in kinds}
        share = dict.fromkeys(kinds, 0.0)
        for digit in range(10):
            y = np.where(labels[:digits] == digit, 1.0, -1.0)
            parts = {kind: make() for kind, make in kinds.items()}
            for run in oco.play(oco.streams.Data(a, y), parts, loss=oco.Hinge(), penalty=oco.Penalty(l1=l1)):
                scores[run.name][:, digit] = b @ run.x
                share[run.name] += np.count_nonzero(run.x) / (10.0 * a.shape[1])
        for kind in kinds:
            found[kind].append((share[kind], float(np.mean(scores[kind].argmax(axis=1) != answers))))
    return {f"mnist {kind}": np.array(points) for kind, points in found.items()}
