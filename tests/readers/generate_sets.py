#!/usr/bin/env python3
"""Writes random data sets as their publishers lay them out, for compare_sets.py: generate_sets.py OUT [SEED]

PTB by PyPI's wfdb, CPSC2018 in the Challenge's layout by scipy's savemat, CODE-test by h5py. Lengths vary, some records are
too short; some samples are missing, some leads constant, some diagnoses absent or unknown.
"""
import pathlib
import sys

import h5py
import numpy as np
import scipy.io
import wfdb

from pipeline import CODE_TEST, CPSC, LEADS, SNOMED


def ecg(rng, length, leads):
    """(length, leads) 16-bit integers: beats at a random rate, noise, a wandering baseline, now and then a flat lead."""
    beat, t = rng.uniform(300, 900), np.arange(length)
    waves = np.stack([np.exp(-(((t / beat) % 1 - c) / w) ** 2) for c, w in ((0.2, 0.03), (0.35, 0.012), (0.6, 0.05))], 1)
    x = waves @ rng.normal(0, 400, (3, leads)) + rng.normal(0, 15, (length, leads)).cumsum(0) * 0.1
    x[:, rng.random(leads) < 0.03] = 7
    return np.rint(x + rng.integers(-40, 40, leads)).clip(-32000, 32000).astype(np.int64)


def with_gaps(rng, x):
    """Format 16 has -32768 for a sample that is not there; never a whole lead."""
    for lead in np.flatnonzero(rng.random(x.shape[1]) < 0.1):
        start = rng.integers(0, len(x) - 40)
        x[start:start + rng.integers(1, 40), lead] = -32768
    return x


def ptb(folder, rng):
    names = []
    for patient in range(1, 13):
        for _ in range(rng.integers(1, 4)):
            name, where = f"s{len(names):04d}_re", folder / f"patient{patient:03d}"
            where.mkdir(parents=True, exist_ok=True)
            length = 9000 if len(names) % 9 == 4 else int(rng.integers(10000, 16000))
            x = ecg(rng, length, 15)
            if len(names) % 3 == 0:
                x = with_gaps(rng, x)
            reason = rng.choice(["Healthy control", "Myocardial infarction", "Dysrhythmia", "n/a"], p=[0.3, 0.5, 0.15, 0.05])
            wfdb.Record(
                record_name=name, n_sig=15, fs=1000, sig_len=length, d_signal=x,
                file_name=[f"{name}.dat"] * 12 + [f"{name}.xyz"] * 3, fmt=["16"] * 15, byte_offset=[None] * 15,
                adc_gain=[2000.0] * 15, baseline=[0] * 15, units=["mV"] * 15, adc_res=[16] * 15, adc_zero=[0] * 15,
                init_value=[int(v) for v in x[0]], checksum=[int(v) for v in x.sum(0) % 65536], block_size=[0] * 15,
                sig_name=[lead.lower() for lead in LEADS] + ["vx", "vy", "vz"],
                comments=["age: 60", f"Reason for admission: {reason}"]).wrsamp(write_dir=str(where))
            names.append(f"patient{patient:03d}/{name}")
    (folder / "RECORDS").write_text("\n".join(names) + "\n")


def cpsc(folder, rng):
    folder.mkdir(parents=True)
    codes = [SNOMED[k] for k in CPSC] + [67741000119109, 164890007]
    for number in range(1, 41):
        name = f"A{number:04d}"
        x = ecg(rng, 4000 if number % 11 == 0 else int(rng.integers(5000, 30000)), 12)
        scipy.io.savemat(folder / f"{name}.mat", {"val": x.T.astype(np.int16)}, format="4")
        suffix = ".mat" if number % 5 == 0 else ""  # as the Challenge of 2020 shipped some
        lines = [f"{name}{suffix} 12 500 {len(x)} 12-May-2020 12:33:59"]
        for lead, first, total in zip(["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"], x[0], x.sum(0)):
            lines.append(f"{name}.mat 16+24 1000/mV 16 0 {first} {(total + 32768) % 65536 - 32768} 0 {lead}")
        dx = rng.choice(codes, rng.integers(1, 4), replace=False)
        lines += ["#Age: 74", "#Sex: Male", f"#{' ' if number % 2 else ''}Dx: {','.join(map(str, dx))}"]
        (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")


def code_test(folder, rng):
    (folder / "annotations").mkdir(parents=True)
    x = np.zeros((50, 4096, 12), np.float32)
    for i in range(len(x)):
        length = 2800 if i % 7 == 3 else 4000
        start = (4096 - length) // 2
        x[i, start:start + length] = ecg(rng, length, 12) / 128
    with h5py.File(folder / "ecg_tracings.hdf5", "w") as file:
        file.create_dataset("tracings", data=x, chunks=(1, 4096, 12), compression="gzip")
    rows = (rng.random((len(x), len(CODE_TEST))) < 0.2).astype(int)
    text = "\n".join([",".join(CODE_TEST), *(",".join(map(str, row)) for row in rows)])
    (folder / "annotations" / "gold_standard.csv").write_text(text + "\n")


def main():
    out, rng = pathlib.Path(sys.argv[1]), np.random.default_rng(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    for make in (ptb, cpsc, code_test):
        make(out / make.__name__, rng)


if __name__ == "__main__":
    main()
