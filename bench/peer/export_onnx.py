# bench/peer/export_onnx.py: one network at one batch size as FILE.onnx, its input and PyTorch's output as FILE.npz
"""export_onnx.py MODEL BATCH LENGTH FILE"""
import sys

import numpy
import torch

import networks


def main():
    model, batch, length, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    torch.manual_seed(0)
    net = networks.build(model, length).eval()
    x, _ = networks.batch_of(batch, length)
    with torch.inference_mode():
        y = net(x)
    torch.onnx.export(net, (x,), path + ".onnx", input_names=["x"], output_names=["y"], opset_version=17,
                      dynamo=False, external_data=False)
    numpy.savez(path + ".npz", x=x.numpy(), y=y.numpy())


if __name__ == "__main__":
    main()
