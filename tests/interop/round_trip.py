#!/usr/bin/env python3
"""Weights of the six networks from PyTorch to Cordis and back, by safetensors files: round_trip.py PROGRAM

PROGRAM is round_trip.cpp, compiled; run.sh does all that is needed. Four ways: PyTorch's weights into Cordis, the same from a
.pt by examples/pt_to_safetensors.py, what Cordis saves of them back into PyTorch (bit for bit, load_state_dict(strict=True)),
and weights that Cordis drew into PyTorch. Outputs on the same records must agree to 1e-5. Exits with 1 if they do not.
"""
import pathlib
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "peer"))
import networks  # noqa: E402

TOLERANCE = 1e-5


def lived_in(net, x):
    """Running statistics that are not those of a fresh network."""
    net.train()
    with torch.no_grad():
        for _ in range(3):
            net(x)
    return net.eval()


def outputs(net, x):
    with torch.no_grad():
        return net.eval()(x)


def apart(y, want):
    return float((y - want).abs().max() / max(1.0, float(want.abs().max())))


def cordis(program, model, classes, weights, scratch):
    out, saved = scratch / "y.safetensors", scratch / "saved.safetensors"
    subprocess.run([program, model, str(classes), weights, scratch / "x.safetensors", out, saved], check=True)
    return load_file(out)["y"], load_file(saved)


def check(program, model, classes, scratch):
    torch.manual_seed(classes)
    x = torch.randn(3, 12, 1000)
    save_file({"x": x.transpose(1, 2).contiguous()}, scratch / "x.safetensors")  # (N, 1000, 12)
    net = lived_in(networks.build(model, classes=classes), x)
    weights = scratch / "weights.safetensors"
    save_file(net.state_dict(), weights)
    want = outputs(net, x)
    y, saved = cordis(program, model, classes, weights, scratch)
    into = apart(y, want)

    torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in net.state_dict().items()}}, scratch / "weights.pt")
    weights.unlink()
    subprocess.run([sys.executable, ROOT / "examples" / "pt_to_safetensors.py", scratch / "weights.pt", weights], check=True,
                   stdout=subprocess.DEVNULL)
    from_pt = apart(cordis(program, model, classes, weights, scratch)[0], want)

    other = networks.build(model, classes=classes)
    other.load_state_dict(saved, strict=True)
    same = all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), other.state_dict().values()))

    y, drawn = cordis(program, model, classes, "fresh", scratch)
    other.load_state_dict(drawn, strict=True)
    back = apart(outputs(other, x), y)
    good = max(into, from_pt, back) <= TOLERANCE and same
    print(f"{model}, {classes} classes, {len(saved)} entries: into Cordis {into:.1e}, from a .pt {from_pt:.1e}, back bit-equal "
          f"{same}, drawn here {back:.1e}{'' if good else '  DIFFERS'}", flush=True)
    return good


def main():
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as scratch:
        good = [check(sys.argv[1], model, classes, pathlib.Path(scratch)) for model in networks.NAMES for classes in (2, 5)]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
