"""Compute golden.json: AdaGrad iterates of torch and optax in float64. Run by hand where both are installed.

pip install torch optax jax numpy && python tests/golden.py
"""

import json
import platform
from pathlib import Path

import numpy as np


def gradients():
    """200 gradients in R^5: of very different sizes, sparse, one coordinate that is never seen."""
    rng = np.random.default_rng(20110701)
    g = rng.standard_normal((200, 5)) * [1.0, 1e-3, 1e3, 1.0, 0.0]
    g[:, 3] *= rng.random(200) < 0.1
    return g


def with_torch(lr, initial, eps):
    import torch

    x = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adagrad([x], lr=lr, initial_accumulator_value=initial, eps=eps)
    path = []
    for g in gradients():
        x.grad = torch.tensor(g)
        optimizer.step()
        path.append(x.detach().numpy().copy())
    return np.array(path)


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


def main():
    import jax
    import optax
    import torch

    cases = {
        "torch": (with_torch, {"lr": 0.1, "initial": 0.0, "eps": 1e-10}),
        "torch-initial": (with_torch, {"lr": 0.5, "initial": 0.3, "eps": 1e-3}),
        "optax": (with_optax, {"lr": 0.1, "initial": 0.1, "eps": 1e-7}),
        "optax-zero": (with_optax, {"lr": 0.5, "initial": 0.0, "eps": 1e-7}),
    }
    versions = {"torch": torch.__version__, "optax": optax.__version__, "jax": jax.__version__, "numpy": np.__version__}
    golden = {"versions": versions | {"python": platform.python_version()}}
    for name, (run, settings) in cases.items():
        path = run(**settings)
        kept = path[[0, 1, 9, 49, 99, 199]]
        golden[name] = {"settings": settings, "rounds": [1, 2, 10, 50, 100, 200], "x": kept.tolist()}
    Path(__file__).with_name("golden.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
