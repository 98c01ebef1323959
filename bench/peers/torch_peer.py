"""What PyTorch peers answer to: see `serve`."""
import json
import re
import resource
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

# Older versions of PyTorch have no fused attention. Models read this when they attend.
fused_attention = hasattr(F, "scaled_dot_product_attention")


def serve(model, run, loss_of):
    """Says what the model is, then answers one JSON line to each command line:

    attention MODE  `fused` or `plain`, of those that it named
    forward         milliseconds of a forward pass without gradients
    step            milliseconds of forward and backward, and of the whole step with AdamW; the loss
    save PATH       writes the output to a .safetensors file
    memory          peak resident bytes of this process so far
    """
    global fused_attention
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.05)
    attentions = ["fused", "plain"] if fused_attention else ["plain"]
    parameters = sum(p.numel() for p in model.parameters())
    answer({"version": torch.__version__, "parameters": parameters, "attentions": attentions})

    def forward():
        with torch.no_grad():
            return run()

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(run())
        loss.backward()
        gradient_done = time.perf_counter()
        optimizer.step()
        return gradient_done, loss.item()

    for line in sys.stdin:
        command, *rest = line.split()
        if command == "forward":
            start, end, _ = timed(forward)
            answer({"ms": 1000 * (end - start)})
        elif command == "step":
            start, end, (gradient_done, loss) = timed(step)
            answer({"gradientMs": 1000 * (gradient_done - start), "ms": 1000 * (end - start), "loss": loss})
        elif command == "attention":
            fused_attention = rest[0] == "fused"
            answer({})
        elif command == "save":
            save_file({"output": forward().contiguous()}, rest[0])
            answer({})
        elif command == "memory":
            answer({"peakBytes": peak_bytes()})


def timed(run):
    start = time.perf_counter()
    result = run()
    return start, time.perf_counter(), result


def peak_bytes():
    """Counted from this program's start; what getrusage tells includes the parent's size at the fork."""
    try:
        with open("/proc/self/status") as status:
            return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))
    except OSError:
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def answer(value):
    print(json.dumps(value), flush=True)
