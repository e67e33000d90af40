#!/usr/bin/env python3
"""Reads every WFDB record below the given folders with Cordis and with PyPI's wfdb, and compares the samples.

  compare_wfdb.py --dump PATH/TO/dump_record FOLDER...

dump_record is tests/readers/dump_record.cpp, compiled; run.sh does all that is needed.
Samples must agree to one unit in the last place of float32, NaN in the same places, lead names, rate and length
exactly, and the checksum that wfdb computes from the raw samples must agree with Cordis's verdict. Exits with 1 if
anything differs.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import pipeline


def read_dump(stream):
    line = stream.readline().decode().rstrip("\n")
    if line.startswith("error "):
        raise ValueError(line)
    length, leads, rate, checksums, others, names = line.split(" ", 5)
    shape = int(length), int(leads)
    data = np.frombuffer(stream.read(4 * shape[0] * shape[1]), "<f4").reshape(shape)
    return data, float(rate), int(checksums), int(others), names.split("|")


def compare(header, dump):
    """(what differs, samples that are not bit-equal)"""
    data, rate, checksums, others, names = dump
    record = pipeline.wfdb_record(header.with_suffix(""), physical=False)
    raw = record.d_signal
    physical = record.dac()
    with np.errstate(invalid="ignore"):
        want = physical.astype(np.float32)
        apart = np.abs(data - want)
    problems = []
    if data.shape != want.shape:
        return [f"shape {data.shape}, wfdb {want.shape}"], 0
    if rate != record.fs or names != record.sig_name:
        problems.append(f"rate {rate}, leads {names}; wfdb {record.fs}, {record.sig_name}")
    if not np.array_equal(np.isnan(data), np.isnan(want)):
        problems.append(f"missing samples {np.isnan(data).sum()}, wfdb {np.isnan(want).sum()}")
    if not np.all((apart <= np.spacing(np.abs(want))) | np.isnan(want)):
        problems.append(f"samples differ by up to {np.nanmax(apart)}")
    wrong = sum((int(s) - int(c)) % 65536 != 0 for s, c in zip(raw.sum(0, dtype=np.int64), record.checksum))
    if wrong != checksums:
        problems.append(f"{checksums} checksum mismatches, wfdb's samples give {wrong}")
    if others:
        problems.append(f"{others} other warnings")
    return problems, int(np.count_nonzero(apart > 0))


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--dump", required=True, help="the compiled dump_record")
    args.add_argument("folders", nargs="+", type=pathlib.Path)
    args = args.parse_args()
    headers = sorted(h for folder in args.folders for h in folder.rglob("*.hea"))
    if not headers:
        sys.exit("no .hea files found")

    failures = samples = inexact = missing = mismatches = 0
    with tempfile.TemporaryDirectory() as scratch:
        paths = pathlib.Path(scratch) / "records.txt"
        paths.write_text("".join(f"{h}\n" for h in headers))
        with open(paths) as stdin, subprocess.Popen([args.dump], stdin=stdin, stdout=subprocess.PIPE) as process:
            for header in headers:
                try:
                    dump = read_dump(process.stdout)
                    problems, apart = compare(header, dump)
                    samples += dump[0].size
                    missing += int(np.isnan(dump[0]).sum())
                    mismatches += dump[2]
                    inexact += apart
                except Exception as error:  # either reader refused: a failure of this record, not of the run
                    problems = [str(error)]
                if problems:
                    failures += 1
                    print(f"{header}: {'; '.join(problems)}")
        if process.returncode:
            sys.exit(f"{args.dump} ended with {process.returncode}")
    print(f"{len(headers)} records, {samples} samples ({missing} missing): {failures} records differ, {inexact} samples "
          f"not bit-equal, {mismatches} checksum mismatches")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
