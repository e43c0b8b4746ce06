"""Starts llama.cpp's own HTTP server with the toy model: ``python llama_server.py N_CTX KEY``. Ends when stdin closes.

The first line on stdout is the server's URL. A third argument, ``unparsed``, leaves the reasoning in the text.
"""

import sys
from pathlib import Path

import xllamacpp


def parameters(n_ctx: int, key: str) -> xllamacpp.CommonParams:
    """A server of two slots on one core, on a free port of this machine."""
    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(Path(__file__).with_name("v4tiny.gguf"))
    wanted.model_alias = ["v4tiny"]
    wanted.api_keys = [key]
    wanted.hostnames = ["127.0.0.1"]
    wanted.port = 0
    wanted.n_ctx = n_ctx
    wanted.n_parallel = 2
    wanted.cpuparams.n_threads = 1
    wanted.cpuparams_batch.n_threads = 1
    wanted.use_jinja = True
    wanted.warmup = False
    wanted.n_gpu_layers = 0
    return wanted


if __name__ == "__main__":
    wanted = parameters(int(sys.argv[1]), sys.argv[2])
    if sys.argv[3:] == ["unparsed"]:
        wanted.reasoning_format = xllamacpp.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
    server = xllamacpp.Server(wanted)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()
