"""Start llama.cpp's HTTP server with the toy model: ``python llama_server.py N_CTX KEY``. Stops when stdin closes.

The first line on stdout is the server's URL. A third argument, ``unparsed``, leaves the reasoning in the text.
"""

import sys
from pathlib import Path

import xllamacpp


def parameters(n_ctx: int, key: str) -> xllamacpp.CommonParams:
    """Return the parameters of a server with two slots on one core, on a free local port."""
    params = xllamacpp.CommonParams()
    params.model.path = str(Path(__file__).with_name("v4tiny.gguf"))
    params.model_alias = ["v4tiny"]
    params.api_keys = [key]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = n_ctx
    params.n_parallel = 2
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.use_jinja = True
    params.warmup = False
    params.n_gpu_layers = 0
    return params


if __name__ == "__main__":
    params = parameters(int(sys.argv[1]), sys.argv[2])
    if sys.argv[3:] == ["unparsed"]:
        params.reasoning_format = xllamacpp.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()
