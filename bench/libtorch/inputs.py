# bench/libtorch/inputs.py: the same weights and records as safetensors and as torch.save writes them
"""inputs.py FOLDER: weights.safetensors and .pt, ResNet1d18 for 5 classes; records.safetensors (N, L, 12) and .pt (N, 12, L),
four batches of 32 with labels of 7 classes, and the new head."""
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peer"))
import networks  # noqa: E402


def main():
    folder = Path(sys.argv[1])
    torch.manual_seed(0)
    weights = dict(networks.build("resnet1d18").state_dict())
    x, y = networks.batch_of(4 * 32, classes=7)
    head = {f"fc2.{name}": value.detach() for name, value in torch.nn.Linear(512, 7).named_parameters()}
    save_file(weights, folder / "weights.safetensors")
    torch.save(weights, folder / "weights.pt")
    save_file({"x": x.transpose(1, 2).contiguous(), "y": y, **head}, folder / "records.safetensors")
    torch.save({"x": x, "y": y, **head}, folder / "records.pt")


if __name__ == "__main__":
    main()
