"""
Makes the files of this folder: `python3 make.py` with any PyTorch from 1.13 on. So that a test can tell what to expect,
element i of a tensor of n elements is (i - n / 2) / 8, as far as its
type can hold that.

`torch-2.13` and `torch-1.13` were made by those versions.
"""

import argparse
import collections
import pathlib
import sys

import numpy
import torch


def values(*shape, dtype=torch.float32):
    count = int(numpy.prod(shape)) if shape else 1
    flat = (torch.arange(count, dtype=torch.float64) - count / 2) / 8
    return flat.reshape(shape).to(dtype)


def every_type():
    state = collections.OrderedDict()
    for name in ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]:
        whole = not name.endswith(("16", "32", "64")) or name.startswith("int")
        tensor = values(2, 3, dtype=torch.float64)
        if whole:
            tensor = (tensor * 8).abs() if name in ("uint8", "bool") else tensor * 8
        state[name] = tensor.to(getattr(torch, name))
    state["scalar"] = torch.tensor(3.5)
    state["empty"] = torch.zeros(0, 4)
    state["complex"] = torch.zeros(2, dtype=torch.complex64)
    return state


def views():
    base = values(6, 4)
    shared = values(12)
    return {
        "whole": base,
        "transposed": base.t(),
        "rows": base[2:4],
        "columns": base[:, 1:3],
        "strided": base[::2, ::3],
        "expanded": base[0:1].expand(3, 4),
        "permuted": values(2, 3, 4).permute(2, 0, 1),
        "first": shared[:8],
        "second": shared[4:],
        "parameter": torch.nn.Parameter(base[1]),
    }


def training_run():
    model = torch.nn.Sequential(
        collections.OrderedDict(embed=torch.nn.Linear(3, 4), norm=torch.nn.LayerNorm(4), head=torch.nn.Linear(4, 2))
    )
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    for parameter in model.parameters():
        parameter.data = values(*parameter.shape)
    wrapped = {"module." + name: tensor for name, tensor in model.state_dict().items()}
    return {
        "model": wrapped,
        "model_ema": {name: tensor * 2 for name, tensor in wrapped.items()},
        "optimizer": optimizer.state_dict(),
        "epoch": 7,
        "args": argparse.Namespace(
            model="tiny", lr=numpy.float64(1.5e-4), out=pathlib.PosixPath("/runs/a"), betas=(0.9, 0.95), seeds={1, 2},
            device=torch.device("cpu"), big=2**70, low=-5, text="ä", nothing=None,
        ),
        "shape": torch.Size([2, 3]),
        "dtype": torch.float32,
        "best": torch.tensor(0.5),
        "history": collections.defaultdict(list, loss=[0.5, 0.25]),
        "grid": numpy.arange(4),
        "version": torch.__version__,
    }


def main():
    folder = pathlib.Path(__file__).parent / ("torch-" + ".".join(torch.__version__.split(".")[:2]))
    folder.mkdir(exist_ok=True)
    contents = {"types": every_type(), "views": views(), "run": training_run()}
    for name, content in contents.items():
        torch.save(content, folder / f"{name}.pth")
        torch.save(content, folder / f"{name}-legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(contents["views"], folder / "views-protocol4.pt", pickle_protocol=4)
    torch.save(contents["run"], folder / "run-protocol5.ckpt", pickle_protocol=5)
    torch.save(contents["types"], folder / "types-legacy-protocol1.bin", pickle_protocol=1, _use_new_zipfile_serialization=False)
    if hasattr(torch.serialization, "set_default_mmap_options"):
        # Attributes of a parameter, and types that only newer versions have.
        newer = {"attributed": torch.nn.Parameter(values(3)), "uint16": torch.ones(2, dtype=torch.uint16), "half": values(4, dtype=torch.float16)}
        newer["attributed"].note = "kept out of weight decay"
        torch.save(newer, folder / "newer.pt")
    sizes = sum(path.stat().st_size for path in folder.iterdir())
    print(folder, sizes, file=sys.stderr)


main()
