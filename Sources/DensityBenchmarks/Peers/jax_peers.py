#!/usr/bin/env python3
"""FVSBN, NADE and MADE in JAX: everything jitted, buffers donated, NADE as a scan over the variables.

Masks multiply into the weights in a training step and once for all for likelihoods. XLA shares its work out to all
processors by itself.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

import peers


def bernoulli(logits, x):
    """Returns log p of each bit."""
    return x * logits - jax.nn.softplus(logits)


def masks(hidden):
    degrees = [np.asarray(layer) for layer in peers.degrees(hidden)]
    return [jnp.asarray(below[:, None] <= above, jnp.float32) for below, above in zip(degrees, degrees[1:])]


def masked(parameters, masks):
    return [(w * mask, b) for (w, b), mask in zip(parameters, masks)]


def made_logits(layers, x):
    for index, (w, b) in enumerate(layers):
        x = (jax.nn.relu(x) if index else x) @ w + b
    return x


def made_parameters(key, hidden):
    widths = [peers.VARIABLES, *hidden, peers.VARIABLES]
    keys = jax.random.split(key, len(widths))
    return [(0.05 * jax.random.normal(k, (n, m)), jnp.zeros(m)) for k, n, m in zip(keys, widths, widths[1:])]


def nade_log_p(parameters, x):
    w, v, b, c = parameters

    def step(a, variable):
        w_i, v_i, b_i, x_i = variable
        z = jax.nn.sigmoid(a) @ v_i + b_i
        return a + x_i[:, None] * w_i, bernoulli(z, x_i)

    start = jnp.broadcast_to(c, (x.shape[0], c.shape[0]))
    return jax.lax.scan(step, start, (w, v, b, x.T))[1].sum(0)


def nade_sample(parameters, key, count):
    w, v, b, c = parameters

    def step(a, variable):
        w_i, v_i, b_i, u_i = variable
        x_i = (u_i < jax.nn.sigmoid(jax.nn.sigmoid(a) @ v_i + b_i)).astype(jnp.float32)
        return a + x_i[:, None] * w_i, x_i

    uniforms = jax.random.uniform(key, (peers.VARIABLES, count))
    start = jnp.broadcast_to(c, (count, c.shape[0]))
    return jax.lax.scan(step, start, (w, v, b, uniforms))[1].T


def nade_parameters(key, hidden):
    k, l = jax.random.split(key)
    shape = (peers.VARIABLES, hidden)
    return (0.05 * jax.random.normal(k, shape), 0.05 * jax.random.normal(l, shape), jnp.zeros(shape[0]),
            jnp.zeros(hidden))


@functools.partial(jax.jit, static_argnums=0, donate_argnums=(1, 2, 3))
def adam_step(log_p, parameters, means, squares, count, x):
    gradients = jax.grad(lambda parameters: -log_p(parameters, x).mean())(parameters)
    count = count + 1
    rate = 1e-3 * jnp.sqrt(1 - 0.999 ** count) / (1 - 0.9 ** count)
    means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, gradients)
    squares = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, squares, gradients)
    parameters = jax.tree.map(lambda p, m, s: p - rate * m / (jnp.sqrt(s) + 1e-8), parameters, means, squares)
    return parameters, means, squares, count


def training(log_p, parameters, rows):
    # Copies, for donated buffers must not be shared.
    state = (jax.tree.map(jnp.array, parameters), jax.tree.map(jnp.zeros_like, parameters),
             jax.tree.map(jnp.zeros_like, parameters), jnp.zeros(()))
    batches = [jnp.asarray(rows[start:start + peers.TRAIN_BATCH])
               for start in range(0, len(rows), peers.TRAIN_BATCH)]
    step = 0

    def call():
        nonlocal state, step
        state = adam_step(log_p, *state, batches[step % len(batches)])
        jax.block_until_ready(state)
        step += 1
        return peers.TRAIN_BATCH

    return call


def likelihood(log_p, parameters, rows):
    function = jax.jit(log_p)
    x = jnp.asarray(rows[:peers.CALL_BATCH])

    def call():
        jax.block_until_ready(function(parameters, x))
        return len(x)

    return call


def main():
    options = peers.arguments(__doc__)
    generator = np.random.default_rng(0)
    rows = (generator.random((peers.ROWS, peers.VARIABLES)) < peers.SHARE_ON).astype(np.float32)
    key = jax.random.PRNGKey(0)
    meter = peers.Meter(f"JAX {jax.__version__}", options)

    def baked_log_p(layers, x):
        return bernoulli(made_logits(layers, x), x).sum(1)

    # Without hidden layers this is the FVSBN.
    for hidden in [500], [500, 500], [2000], [8000], []:
        name = f"MADE {hidden}" if hidden else "FVSBN"
        masks_of_layers = masks(hidden)

        def log_p(parameters, x):
            return baked_log_p(masked(parameters, masks_of_layers), x)

        meter.measure(name, "train", lambda: training(log_p, made_parameters(key, hidden), rows))
        meter.measure(
            name, "log p",
            lambda: likelihood(baked_log_p, masked(made_parameters(key, hidden), masks_of_layers), rows))

    meter.measure("NADE 500", "train", lambda: training(nade_log_p, nade_parameters(key, 500), rows))
    meter.measure("NADE 500", "log p", lambda: likelihood(nade_log_p, nade_parameters(key, 500), rows))

    def sampling():
        parameters = nade_parameters(key, 500)
        draw = jax.jit(nade_sample, static_argnums=2)

        def call():
            jax.block_until_ready(draw(parameters, key, peers.SAMPLE_BATCH))
            return peers.SAMPLE_BATCH

        return call

    meter.measure("NADE 500", "sample", sampling)


if __name__ == "__main__":
    main()
