#!/usr/bin/env python3
"""ONNX files that Cordis writes, in ONNX Runtime: onnx_files.py PROGRAM

PROGRAM is onnx_files.cpp, compiled; run.sh does all that is needed. The six networks in two class counts, recurrent ones also with
their other heads, other record lengths where a network takes any, and a network with every other layer and option. Each file must
pass onnx.checker and strict shape inference, take batches of 1 and 5, and give Cordis's outputs on real ECGs to 1e-5 of the
largest. Exits with 1 if it does not.
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
from safetensors.numpy import load_file

TOLERANCE = 1e-5
BATCHES = (1, 5)
NETWORKS = ("resnet1d18", "resnet1d50", "resnet1d101", "lstm", "bilstm", "gru")
CASES = [(net, classes, 1000) for net in NETWORKS for classes in (2, 5)]
CASES += [(net + head, 5, samples) for net in NETWORKS[3:] for head in (":mean", ":last") for samples in (1000, 333)]
CASES += [("resnet1d18", 5, 777), ("own", 3, 1000), ("own", 3, 501)]


def session_of(path):
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads, settings.log_severity_level = 2, 1, 3
    return onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])


def check(program, net, classes, samples, folder):
    subprocess.run([program, net, str(classes), folder, str(samples), *map(str, BATCHES)], check=True)
    path = folder / "net.onnx"
    onnx.checker.check_model(str(path), full_check=True)
    session, xy = session_of(path), load_file(folder / "xy.safetensors")
    axes = session.get_inputs()[0].shape
    fixed = net.partition(":")[0] in NETWORKS[3:] and ":" not in net  # the flatten head's length
    problems = []
    if axes != ["N", 1000 if fixed else "L", 12] or session.get_outputs()[0].shape != ["N", classes]:
        problems.append(f"shapes {axes} and {session.get_outputs()[0].shape}")
    if session.get_modelmeta().custom_metadata_map != {"made by": "onnx_files"}:
        problems.append("metadata")
    apart = [0.0]
    for batch in BATCHES:
        want = xy[f"y{batch}"]
        y = session.run(["y"], {"x": xy[f"x{batch}"]})[0]
        apart.append(float(numpy.abs(y - want).max() / numpy.abs(want).max()) if y.shape == want.shape else numpy.inf)
    if not max(apart) <= TOLERANCE:
        problems.append("outputs")
    largest = float(numpy.abs(xy["y5"]).max())
    print(f"{net}, {classes} classes, {samples} samples, {path.stat().st_size >> 10} KiB: batch 1 {apart[1]:.1e}, batch 5 "
          f"{apart[2]:.1e} of {largest:.3g}{'  DIFFERS: ' + ', '.join(problems) if problems else ''}", flush=True)
    return not problems


def main():
    with tempfile.TemporaryDirectory() as scratch:
        good = [check(sys.argv[1], *case, pathlib.Path(scratch)) for case in CASES]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
