"""Train small networks for non-volatile compute-in-memory and evaluate them on sampled chips.

`neft.pipeline.run(config)` trains one `neft.config.RunConfig` and evaluates it by Monte Carlo;
`neft.runs.store.RunStore` keeps what came out.
"""

__version__ = "0.1.0"
