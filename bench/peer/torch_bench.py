# bench/peer/torch_bench.py: PyTorch's training step (Adam, lr 1e-2) or inference of one network, as one JSON line
"""--tuned computes ResNets channels-last; the malloc settings that go with it are the environment's (compare.py)."""
import os

import timing


def main():
    parser = timing.options(["train", "infer"])
    parser.add_argument("--tuned", action="store_true")
    o = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(o.threads)  # read when torch is loaded
    import torch

    import networks

    torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    dtype = torch.float64 if o.dtype == "f64" else torch.float32
    x, y = networks.batch_of(o.batch, o.length, dtype)
    net = networks.build(o.model, o.length, o.tuned and o.model in networks.BLOCKS).to(dtype)
    net.train(o.mode == "train")
    criterion = torch.nn.BCEWithLogitsLoss()
    adam = torch.optim.Adam(net.parameters(), lr=1e-2)

    def train():
        adam.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        adam.step()
        return loss.item()

    def infer():
        with torch.inference_mode():
            return net(x)[0, 0].item()

    peer = "pytorch tuned" if o.tuned else "pytorch"
    timing.measure(o, peer, torch.__version__, train if o.mode == "train" else infer)


if __name__ == "__main__":
    main()
