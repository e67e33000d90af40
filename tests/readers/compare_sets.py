#!/usr/bin/env python3
"""Reads whole folders of ECGs with Cordis and with pipeline.py, and compares labels and prepared signals.

  compare_sets.py --dump PATH/TO/dump_set FOLDER...

dump_set is tests/readers/dump_set.cpp, compiled; run.sh does all that is needed. Each folder is prepared in three ways: as `ecg` does by default
(band-pass, polyphase resampling, z-score), as the study does (every k-th sample, min-max), and in millivolts. Records and
labels must be the same, and samples agree to 1e-4 (of a standard deviation, of half the range, of a millivolt). Exits
with 1 if anything differs.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import pipeline

WAYS = {"default": pipeline.Options(),
        "study": pipeline.Options(band="none", resampling="decimate", scaling="min-max"),
        "millivolts": pipeline.Options(band="none", resampling="decimate", scaling="none")}
TOLERANCE = 1e-4


def read_safetensors(path):
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + size])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            assert entry["dtype"] == "F32", entry
            begin, end = entry["data_offsets"]
            tensors[name] = np.frombuffer(raw[8 + size + begin:8 + size + end], "<f4").reshape(entry["shape"])
    return tensors, header["__metadata__"]


def compare(dump, folder, way, options, scratch):
    """(line to print, whether all agrees)"""
    out = scratch / "set.safetensors"
    subprocess.run([dump, folder, options.band, options.resampling, options.scaling, out], check=True)
    tensors, metadata = read_safetensors(out)
    classes, records = pipeline.read(folder)
    wanted = [(record, pipeline.prepare(record, options)) for record in records]
    kept = [(record, x) for record, x in wanted if x is not None]
    problems = []
    if metadata["classes"].split() != classes:
        problems.append(f"classes {metadata['classes'].split()}, not {classes}")
    names = metadata["records"].splitlines()
    if names != [record.name for record, _ in kept]:
        problems.append(f"{len(names)} records, not {len(kept)}, or in another order")
    if not kept:
        problems.append("no record is long enough")
    if problems:
        return f"{folder} {way}: {'; '.join(problems)}", False
    labels = np.array([record.labels for record, _ in kept])
    wrong = int((tensors["y"] != labels).sum())
    x = np.stack([x for _, x in kept])
    gaps = np.isnan(x)
    apart = np.abs(np.where(gaps, 0, tensors["x"]) - np.where(gaps, 0, x)).max()
    good = wrong == 0 and np.array_equal(np.isnan(tensors["x"]), gaps) and apart <= TOLERANCE
    return (f"{folder} {way}: {len(names)} records ({len(wanted) - len(kept)} too short), {labels.size} labels of "
            f"which {wrong} differ, {x.size} samples to {apart:.1e}{'' if good else ': DIFFERS'}"), good


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--dump", required=True, help="the compiled dump_set")
    args.add_argument("folders", nargs="+", type=pathlib.Path)
    args = args.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for folder in args.folders:
            for way, options in WAYS.items():
                line, good = compare(args.dump, folder, way, options, pathlib.Path(scratch))
                print(line, flush=True)
                failed += not good
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
