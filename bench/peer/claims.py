# bench/peer/claims.py: what is claimed of the project against its peers, and the configurations that decide it
from dataclasses import dataclass

RESNETS = ("resnet1d18", "resnet1d50", "resnet1d101")
RECURRENT = ("lstm", "bilstm", "gru")
MODELS = RESNETS + RECURRENT
INSTALLED, TUNED, ONNX = "pytorch", "pytorch tuned", "onnxruntime"


@dataclass(frozen=True)
class Config:
    model: str
    mode: str
    batch: int
    threads: int
    dtype: str = "f32"


@dataclass(frozen=True)
class Claim:
    """kind "ratio": the fastest peer's time / ours; "threads": our time on 1 / on 2; "memory", "start": ours, a limit."""
    what: str
    title: str
    kind: str
    configs: tuple
    peers: tuple
    must: float
    aim: float | None = None


def grid(models, mode, batch, threads=(1, 2), dtype="f32"):
    return tuple(Config(m, mode, batch, t, dtype) for m in models for t in threads)


def both(title, configs, installed, tuned):
    return [Claim("train", title, "ratio", configs, (INSTALLED,), *installed),
            Claim("train", title, "ratio", configs, (TUNED,), *tuned)]


def inference(title, batch, peers, rows):
    return [Claim("infer", f"{title}: {name}", "ratio", grid(models, "infer", batch), peers, must, aim)
            for name, models, must, aim in rows]


CLAIMS = [
    *both("train ResNet1d18, batch 32", grid(RESNETS[:1], "train", 32), (1.7, 2.2), (1.35, 1.7)),
    *both("train ResNet1d50 and 101, batch 32", grid(RESNETS[1:], "train", 32), (1.5, 1.8), (1.25, 1.5)),
    *both("the same, batch 8, 1 thread", grid(RESNETS[1:], "train", 8, (1,)), (2.4, 3.0), (2.0, 2.5)),
    *both("train LSTM, BiLSTM, batch 32", grid(RECURRENT[:2], "train", 32), (2.8, 3.5), (1.4, 2.0)),
    *both("train GRU, batch 32", grid(RECURRENT[2:], "train", 32), (4.5, 6.0), (4.0, 5.0)),
    *inference("inference, batch 32", 32, (INSTALLED, TUNED, ONNX), [
        ("ResNet1d18", RESNETS[:1], 1.4, 1.7), ("other ResNets", RESNETS[1:], 1.1, 1.3),
        ("LSTM and BiLSTM", RECURRENT[:2], 1.3, 1.6), ("GRU", RECURRENT[2:], 2.0, 2.5)]),
    *inference("inference, batch 1", 1, (ONNX,), [
        ("ResNets", RESNETS, 1.2, 1.5), ("LSTM and BiLSTM", RECURRENT[:2], 1.4, 2.0), ("GRU", RECURRENT[2:], 1.5, 2.0)]),
    Claim("memory", "peak memory, training ResNet1d18, batch 32, MB", "memory", grid(RESNETS[:1], "train", 32), (), 250),
    Claim("memory", "peak memory, training LSTM, batch 32, MB", "memory", grid(("lstm",), "train", 32), (), 150),
    *(Claim("threads", f"two threads against one, {mode}, batch 32: {name}", "threads", grid(models, mode, 32), (), must)
      for mode in ("train", "infer") for name, models, must in (("ResNets", RESNETS, 1.8), ("recurrent", RECURRENT, 1.7))),
    Claim("large", "train ResNet1d18 and LSTM, batch 256", "ratio", grid(("resnet1d18", "lstm"), "train", 256), (TUNED,), 1.0),
    Claim("f64", "train ResNet1d18 and LSTM in f64, batch 32", "ratio",
          grid(("resnet1d18", "lstm"), "train", 32, dtype="f64"), (INSTALLED,), 1.0),
    Claim("start", "process start to the end of the first step, training ResNet1d18, batch 32, s", "start",
          grid(RESNETS[:1], "train", 32), (), 0.3),
]


def chosen(what, models):
    """The claims of these groups, held to the configurations of these models."""
    held = []
    for claim in CLAIMS:
        configs = tuple(c for c in claim.configs if c.model in models)
        if claim.what in what and configs:
            held.append(Claim(claim.what, claim.title, claim.kind, configs, claim.peers, claim.must, claim.aim))
    return held
