#!/usr/bin/env python3
"""Writes tests/fixtures/ecg_filters.csv: what numpy and scipy make of signals, for tests/ecg/filter_test.cpp,
resample_test.cpp and preprocess_test.cpp. Run from anywhere; needs numpy and scipy.

Columns: name, values (separated by blanks). Real records are those of examples/data, read here with numpy alone; of
their 1000 x 12 prepared samples every 25th row is kept.
"""
import csv
import pathlib

import numpy as np
from scipy.signal import butter, resample_poly, sosfiltfilt

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
rows = []


def put(name, values, digits=17):
    rows.append([name, " ".join(f"{v:.{digits}g}" for v in np.ravel(values))])


def record(path):
    lines = path.with_suffix(".hea").read_text().splitlines()
    leads, fs = int(lines[0].split()[1]), float(lines[0].split()[2])
    gains = [line.split()[2].split("/")[0] for line in lines[1:1 + leads]]
    gain = np.array([float(g.split("(")[0]) for g in gains])
    base = np.array([float(g.split("(")[1].rstrip(")")) for g in gains])
    return (np.fromfile(path.with_suffix(".dat"), "<i2").reshape(-1, leads) - base) / gain, fs


def crop_z_score(x):
    x = x[:1000]
    return (x - x.mean(0)) / (x.std(0) + 1e-6)


def main():
    rng = np.random.RandomState(7)
    for fs in (100, 257, 500, 1000):
        for order in (2, 4):
            put(f"butter {order} 0.5 40 {fs}", butter(order, [0.5, 40], "band", fs=fs, output="sos"))
    for n in (28, 301):
        x = np.cumsum(rng.randn(n))
        put(f"walk {n}", x)
        put(f"filtered {n}", sosfiltfilt(butter(4, [0.5, 40], "band", fs=500, output="sos"), x))
    x = np.cumsum(rng.randn(173))
    put("walk 173", x)
    for up, down in ((1, 5), (2, 5), (5, 18), (3, 1), (100, 257), (1, 10)):
        put(f"resampled {up} {down}", resample_poly(x, up, down))
    put("resampled one sample", resample_poly(x[:1], 2, 5))

    data = ROOT / "examples/data"
    for name in ("ludb/data/1", "ludb/data/8", "ptb-xl-mini/records100/00000/00001_lr"):
        x, fs = record(data / name)
        y = sosfiltfilt(butter(4, [0.5, 40], "band", fs=fs, output="sos"), x, axis=0)
        y = resample_poly(y, 1, round(fs / 100), axis=0) if fs != 100 else y
        put(f"band-pass polyphase z-score {name}", crop_z_score(y)[::25], 9)
        y = x[::round(fs / 100)][:1000]
        put(f"decimate min-max {name}", (2 * (y - y.min(0)) / (y.max(0) - y.min(0)) - 1)[::25], 9)
    x, fs = record(data / "ptb-xl-derived/records100z/00000/00519_z")
    put("z-score ptb-xl-derived/records100z/00000/00519_z", crop_z_score(x)[::25], 9)

    with open(ROOT / "tests/fixtures/ecg_filters.csv", "w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([["name", "values"]] + rows)


if __name__ == "__main__":
    main()
