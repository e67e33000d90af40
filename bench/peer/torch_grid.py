#!/usr/bin/env python3
"""The cells of a grid trained by PyTorch, so that `ecg collect` judges both engines by the same statistics.

  ecg plan examples/ecg/grids/ludb.json --root examples/data --out runs/ludb && ecg submit runs/ludb
  torch_grid.py runs/ludb runs/ludb-torch && ecg collect runs/ludb-torch

Reads the plan and the parts that each record played (cells/*/records.csv) from a finished run, and nothing else of it:
records are read and prepared by tests/readers/pipeline.py, networks are those of networks.py, and weights, batches and
scores are PyTorch's, numpy's and this file's own. Each cell leaves what `ecg collect` reads; cells that are done are not
done again. For sets of labels.csv and PTB-XL, whole-head networks, the default signal.
"""
import argparse
import csv
import json
import multiprocessing
import os
import pathlib
import shutil
import sys
import time
import zlib

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "readers"))
import networks  # noqa: E402
import pipeline  # noqa: E402

MOMENTS = ("first", "selected", "last", "best_f1_weighted", "best_auroc")


def load(data):
    """A set of the grid: class names, x (N, 12, L), y (N, classes), and the row of each record's name."""
    options = pipeline.Options(data["rate"], data["length"], data["skip"], data["band"], data["resampling"],
                               data["scaling"], data["missing"])
    names, x, y = [], [], []
    for folder in map(pathlib.Path, data["folders"]):
        classes, records = pipeline.read(folder, data["classes"] or None, 500 if data["rate"] > 100 else 100)
        for record in records:
            signal = pipeline.prepare(record, options)
            if signal is not None:
                names.append(f"{folder.name}/{record.name}" if len(data["folders"]) > 1 else record.name)
                x.append(signal.T)
                y.append(record.labels)
    return classes, torch.from_numpy(np.stack(x)), torch.tensor(y, dtype=torch.float32), {n: i for i, n in enumerate(names)}


def f1(p, y):
    said, true = p > 0.5, y > 0
    hit, positive = (said & true).sum(0), true.sum(0)
    return np.where(positive > 0, 2 * hit / np.maximum(said.sum(0) + positive, 1), np.nan)


def auroc(p, y):
    out = []
    for scores, true in zip(p.T, y.T > 0):
        pairs = scores[true][:, None] - scores[~true][None, :]
        out.append(((pairs > 0) + 0.5 * (pairs == 0)).mean() if pairs.size else np.nan)
    return np.array(out)


def scores_of(logits, y):
    """loss, weighted F1, macro F1, AUROC, then F1 and AUROC by class; None without records."""
    if len(y) == 0:
        return None
    p, positive = torch.sigmoid(logits).numpy(), y.numpy().sum(0)
    loss = float(torch.nn.functional.binary_cross_entropy_with_logits(logits.double(), y.double()))
    by_class, areas = f1(p, y.numpy()), auroc(p, y.numpy())
    known = positive > 0
    return [loss, np.average(by_class[known], weights=positive[known]), by_class[known].mean(), np.nanmean(areas), *by_class, *areas]


def evaluate(net, x):
    net.eval()
    with torch.no_grad():
        return torch.cat([net(part) for part in x.split(64)]) if len(x) else torch.zeros(0, 1)


def text(value):
    return "" if value is None or np.isnan(value) else repr(float(value))


def write(path, lines):
    path.with_suffix(".part").write_text("\n".join(lines) + "\n")
    path.with_suffix(".part").rename(path)


def train(net, parts, fit, seed, columns):
    """Rows of epochs.csv, kept predictions by moment, seconds by epoch."""
    (x, y), validation, test = (parts[k] for k in ("training", "validation", "test"))
    adam, order = torch.optim.Adam(net.parameters(), lr=fit["lr"]), torch.Generator().manual_seed(seed)
    rows, kept, seconds, best = [], {}, [], {}
    for epoch in range(1, fit["epochs"] + 1):
        begun, total, seen = time.perf_counter(), 0.0, 0
        net.train()
        for batch in torch.randperm(len(x), generator=order).split(fit["batch"]):
            if len(batch) < 2:  # batch norm has no variance for one
                continue
            adam.zero_grad()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(net(x[batch]), y[batch])
            loss.backward()
            adam.step()
            total, seen = total + loss.item() * len(batch), seen + len(batch)
        logits = {name: evaluate(net, part[0]) for name, part in (("validation", validation), ("test", test))}
        scores = {name: scores_of(logits[name], parts[name][1]) for name in logits}
        seconds.append(time.perf_counter() - begun)
        empty = [None] * (4 + 2 * columns)
        rows.append([epoch, total / seen, *(scores["validation"] or empty), *(scores["test"] or empty)])
        if not scores["test"]:
            continue
        p = torch.sigmoid(logits["test"]).numpy()
        moments = {"first": epoch == 1, "last": epoch == fit["epochs"]}
        watched = {"best_f1_weighted": scores["test"][1], "best_auroc": scores["test"][3]}
        if scores["validation"]:
            watched["selected"] = scores["validation"][3]
        for name, score in watched.items():
            moments[name] = score > best.get(name, -1)
            best[name] = max(best.get(name, -1), score)
        kept.update({name: (epoch, p) for name, now in moments.items() if now})
    return rows, kept, seconds


def run_cell(cell, grid, source, out, sets):
    folder = out / "cells" / cell["cell"]
    if (folder / "done").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    classes, x, y, row_of = sets[cell["data"]]
    with open(source / "cells" / cell["cell"] / "records.csv", newline="") as file:
        table = list(csv.DictReader(file))
    names = {part: [r["record"] for r in table if r["part"] == part] for part in ("training", "validation", "test")}
    rows_of = {part: torch.tensor([row_of[n] for n in names[part]], dtype=torch.int64) for part in names}
    parts = {part: (x[rows], y[rows]) for part, rows in rows_of.items()}

    upstream = cell["stage"] == "upstream"
    # Every cell has a start of its own; a pair's two inits share the order of batches, as in Cordis.
    torch.manual_seed(zlib.crc32(cell["cell"].encode()))
    net = networks.build(cell["model"], x.shape[2], classes=len(classes))
    if cell["init"] != "random":
        head = "fc2." if cell["model"].startswith("resnet") else "fc."
        weights = torch.load(out / "cells" / cell["init"] / "weights.pt")
        net.load_state_dict({**net.state_dict(), **{k: v for k, v in weights.items() if not k.startswith(head)}})
    rows, kept, seconds = train(net, parts, grid["up" if upstream else "down"], cell["seed"], len(classes))

    header = ["epoch", "train_loss"]
    for part in ("validation", "test"):
        header += [f"{part}_{k}" for k in ("loss", "f1_weighted", "f1_macro", "auroc")]
        header += [f"{part}_{metric}_{k}" for metric in ("f1", "auroc") for k in classes]
    write(folder / "epochs.csv", [",".join(header), *(",".join([str(r[0]), *map(text, r[1:])]) for r in rows)])
    lines = [",".join(["at", "epoch", "record", *(f"y_{k}" for k in classes), *(f"p_{k}" for k in classes)])]
    for moment in MOMENTS:
        if moment in kept:
            epoch, p = kept[moment]
            for name, truth, said in zip(names["test"], parts["test"][1].int().tolist(), p.tolist()):
                lines.append(",".join([moment, str(epoch), name, *map(str, truth), *(f"{v:.9g}" for v in said)]))
    write(folder / "predictions.csv", lines)
    write(folder / "timing.csv", ["epoch,seconds", *(f"{e},{s:.6f}" for e, s in enumerate(seconds, 1))])
    shutil.copy(source / "cells" / cell["cell"] / "records.csv", folder / "records.csv")
    if upstream:
        torch.save(net.state_dict(), folder / "weights.pt")
    write(folder / "done", [f"{len(rows)} epochs"])


def work(task):
    torch.set_num_threads(task[-1])
    run_cell(*task[:-1], SETS)
    return task[0]["cell"]


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("run", type=pathlib.Path, help="a grid's folder, of which every cell was begun")
    args.add_argument("out", type=pathlib.Path)
    args.add_argument("--jobs", type=int, default=2)
    args = args.parse_args()
    grid = json.loads((args.run / "grid.json").read_text())
    cells = [json.loads(line) for line in (args.run / "cells.jsonl").read_text().splitlines()]
    if any(cell["head"] != "flatten" for cell in cells):
        sys.exit("only whole heads are done here")
    args.out.mkdir(parents=True, exist_ok=True)
    for name in ("grid.json", "cells.jsonl"):
        shutil.copy(args.run / name, args.out / name)
    global SETS
    SETS = {name: load(data) for name, data in grid["data"].items()}
    done = 0
    with multiprocessing.get_context("fork").Pool(args.jobs) as pool:  # SETS is shared, not copied
        for upstream in (True, False):
            tasks = [(c, grid, args.run, args.out, grid["threads"]) for c in cells if (c["stage"] == "upstream") == upstream]
            for cell in pool.imap(work, tasks):
                done += 1
                print(f"{done}/{len(cells)} {cell}", flush=True)


if __name__ == "__main__":
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    main()
