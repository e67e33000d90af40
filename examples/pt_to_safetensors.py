#!/usr/bin/env python3
"""Turns weights that PyTorch wrote into a safetensors file, which Cordis loads as it is.

  pt_to_safetensors.py model.pt model.safetensors

Takes a state_dict, or a checkpoint that holds one under state_dict, model_state_dict or model. Keys and numbers stay as they
are, but for a leading "module." of DataParallel. The file is read with weights_only: nothing in it is executed. Needs the packages
torch and safetensors.
"""
import sys

import torch
from safetensors.torch import save_file


def state_dict_of(loaded):
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not loaded or not all(isinstance(v, torch.Tensor) for v in loaded.values()):
        what = ", ".join(map(str, loaded)) if isinstance(loaded, dict) else type(loaded).__name__
        sys.exit(f"{sys.argv[1]}: no state_dict of tensors in it (found: {what})")
    return {name.removeprefix("module."): tensor.detach().clone().contiguous() for name, tensor in loaded.items()}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    weights = state_dict_of(torch.load(sys.argv[1], map_location="cpu", weights_only=True))
    save_file(weights, sys.argv[2])
    print(f"{sys.argv[2]}: {len(weights)} tensors, {sum(t.numel() for t in weights.values())} numbers")


if __name__ == "__main__":
    main()
