"""Compute golden.json: iterates of the optimisers of torch and optax in float64. Run by hand, whole or in part.

pip install torch optax jax numpy && python tests/golden.py [CASE ...]
"""

import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np


def gradients():
    """200 gradients in R^5: of very different sizes, sparse, one coordinate that is never seen."""
    rng = np.random.default_rng(20110701)
    g = rng.standard_normal((200, 5)) * [1.0, 1e-3, 1e3, 1.0, 0.0]
    g[:, 3] *= rng.random(200) < 0.1
    return g


def with_torch(name, options):
    import torch

    x = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, name)([x], **options)
    path = []
    for g in gradients():
        x.grad = torch.tensor(g)
        optimizer.step()
        path.append(x.detach().numpy().copy())
    return np.array(path)


def adagrad(lr, initial, eps):
    return with_torch("Adagrad", {"lr": lr, "initial_accumulator_value": initial, "eps": eps})


def optimiser(name):
    return lambda **options: with_torch(name, options)


def with_optax(lr, initial, eps):
    import jax
    import optax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    optimizer = optax.adagrad(lr, initial_accumulator_value=initial, eps=eps)
    x = jnp.zeros(5)
    state, path = optimizer.init(x), []
    for g in gradients():
        step, state = optimizer.update(jnp.array(g), state)
        x = optax.apply_updates(x, step)
        path.append(np.array(x))
    return np.array(path)


CASES = {
    "torch": (adagrad, {"lr": 0.1, "initial": 0.0, "eps": 1e-10}),
    "torch-initial": (adagrad, {"lr": 0.5, "initial": 0.3, "eps": 1e-3}),
    "optax": (with_optax, {"lr": 0.1, "initial": 0.1, "eps": 1e-7}),
    "optax-zero": (with_optax, {"lr": 0.5, "initial": 0.0, "eps": 1e-7}),
    "momentum": (optimiser("SGD"), {"lr": 1e-3, "momentum": 0.9}),
    "nesterov": (optimiser("SGD"), {"lr": 0.1, "momentum": 0.5, "nesterov": True}),
    "rmsprop": (optimiser("RMSprop"), {}),
    "rmsprop-short": (optimiser("RMSprop"), {"lr": 0.1, "alpha": 0.5, "eps": 1e-3}),
    "adadelta": (optimiser("Adadelta"), {}),
    "adadelta-long": (optimiser("Adadelta"), {"lr": 0.3, "rho": 0.99, "eps": 1e-3}),
    "adam": (optimiser("Adam"), {}),
    "adam-short": (optimiser("Adam"), {"lr": 0.1, "betas": [0.5, 0.7], "eps": 1e-3}),
    "amsgrad": (optimiser("Adam"), {"amsgrad": True}),
    "amsgrad-short": (optimiser("Adam"), {"amsgrad": True, "lr": 0.1, "betas": [0.5, 0.7], "eps": 1e-3}),
}


def main(names):
    target = Path(__file__).with_name("golden.json")
    golden = json.loads(target.read_text())
    versions = golden["versions"]
    for name in names or CASES:
        run, settings = CASES[name]
        used = ("optax", "jax", "numpy") if run is with_optax else ("torch", "numpy")
        found = {package: version(package) for package in used} | {"python": platform.python_version()}
        path = run(**settings)
        kept = path[[0, 1, 9, 49, 99, 199]]
        golden[name] = {"settings": settings, "rounds": [1, 2, 10, 50, 100, 200], "x": kept.tolist()}
        if any(versions.get(package) != there for package, there in found.items()):
            golden[name]["versions"] = found  # other than those at the top
    target.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
