#!/usr/bin/env python3
"""Makes tests/fixtures/sources: small folders in the formats of the study's data sets, written and read by others.

Signals are synthetic. PyPI's wfdb writes the PTB records, h5py the tracings of CODE-test, scipy the MATLAB structs of
CPSC2018; expected.csv holds what wfdb and h5py read back and numpy makes of it by the study's steps, in columns name and
values:

  ptb.RECORD.raw          (20, 15) the samples at 0, 30, ..., 570, in millivolts, all 15 leads
  ptb.RECORD.prepared     (50, 12) the twelve leads by name, every 10th sample, the first 50, no scaling
  code.FILE.ROW.prepared  (11, 12) every 4th sample, 12 off each end, min-max to [-1, 1], at kMoments
  code.FILE.ROW.millivolts (11, 12) the same before scaling
  code.FILE.ROW.mean      (12,) mean of each prepared lead over the 1000 samples

To remake: python3 make_source_fixtures.py, with numpy 2.4, wfdb 4.3, h5py 3.16 and scipy 1.17 from PyPI.
"""
import pathlib
import shutil

import h5py
import numpy as np
import scipy.io
import wfdb

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "sources"
MOMENTS = [0, 1, 2, 3, 17, 251, 499, 500, 737, 998, 999]
expected = []


def keep(name, values):
    expected.append(f"{name},{' '.join(f'{v:.9g}' for v in np.asarray(values, np.float64).ravel())}")


def twelve_leads(rng, length, rate, beat):
    """(length, 12) integers in standard order: beats, with the limb leads derived from I and II."""
    n = np.arange(length)
    phase = (n / rate % beat) / beat

    def wave(centre, width):
        return np.exp(-(((phase - centre) / width) ** 2))

    basis = np.stack([wave(0.2, 0.03), wave(0.35, 0.012), wave(0.37, 0.012), wave(0.6, 0.05)], 1)
    one, two, *chest = (2 * np.rint(basis @ rng.normal(0, [80, 700, 400, 160])) for _ in range(8))
    limbs = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.stack(limbs + chest, 1).astype(np.int64)


PTB_LEADS = ["i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6", "vx", "vy", "vz"]


def ptb_record(folder, patient, name, reason, rng, length=600):
    (folder / patient).mkdir(parents=True, exist_ok=True)
    ecg = twelve_leads(rng, length, 1000, 0.37)
    frank = np.rint(ecg[:, 6:9] @ rng.normal(0, 0.5, (3, 3))).astype(np.int64)
    signal = np.concatenate([ecg, frank], 1) + rng.integers(-40, 40, 15)
    comments = ["age: 81", "sex: female", "ECG date: 01/10/1990", "Diagnose:"]
    comments += [] if reason is None else [f"Reason for admission: {reason}"]
    comments += ["Acute infarction (localization): infero-latera", "Medication pre admission: Digoxin"]
    record = wfdb.Record(
        record_name=name, n_sig=15, fs=1000, sig_len=length, d_signal=signal,
        file_name=[f"{name}.dat"] * 12 + [f"{name}.xyz"] * 3, fmt=["16"] * 15, byte_offset=[None] * 15,
        adc_gain=[2000.0] * 15, baseline=[0] * 15, units=["mV"] * 15, adc_res=[16] * 15, adc_zero=[0] * 15,
        init_value=[int(v) for v in signal[0]], checksum=[int(v) for v in signal.sum(0) % 65536],
        block_size=[0] * 15, sig_name=PTB_LEADS, comments=comments)
    record.wrsamp(write_dir=str(folder / patient))

    back = wfdb.rdrecord(str(folder / patient / name))
    assert back.fs == 1000 and back.p_signal.shape == (length, 15)
    assert np.array_equal(np.rint(back.p_signal * 2000).astype(np.int64), signal)
    key = f"ptb.{patient}/{name}"
    keep(f"{key}.raw", back.p_signal[::30])
    by_name = [back.sig_name.index(lead) for lead in PTB_LEADS[:12]]
    keep(f"{key}.prepared", back.p_signal[:, by_name][::10][:50])


def ptb(folder, rng):
    records = [
        ("patient001", "s0010_re", "Myocardial infarction"),
        ("patient001", "s0014lre", "Myocardial infarction"),
        ("patient104", "s0306lre", "Healthy control"),
        ("patient107", "s0199_re", "Bundle branch block"),
        ("patient285", "s0544_re", "n/a"),
    ]
    for patient, name, reason in records:
        ptb_record(folder, patient, name, reason, rng)
    (folder / "RECORDS").write_text("".join(f"{p}/{n}\n" for p, n, _ in records))


def code_test(folder, name, dtype, labels, rng, beat=0.8, **storage):
    """Tracings as published: 1e-4 V at 400 Hz, 10 s or 7 s with zeros on both sides."""
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    data = np.zeros((len(labels), 4096, 12), dtype)
    for row in range(len(labels)):
        length = 2800 if row == 2 else 4000
        start = (4096 - length) // 2
        data[row, start : start + length] = twelve_leads(rng, length, 400, beat) / 128.0
    with h5py.File(folder / "ecg_tracings.hdf5", "w") as file:
        file.create_dataset("tracings", data=data, **storage)
    header = "1dAVb,RBBB,LBBB,SB,AF,ST\n"
    rows = "".join(",".join(map(str, row)) + "\n" for row in labels)
    (folder / "annotations" / "gold_standard.csv").write_text(header + rows)

    with h5py.File(folder / "ecg_tracings.hdf5", "r") as file:
        back = np.array(file["tracings"])
    assert back.shape == data.shape and back.dtype == dtype
    for row in range(len(labels)):
        x = (back[row].astype(np.float64) * 0.1)[::4][12:-12]
        assert x.shape == (1000, 12)
        low, high = x.min(0), x.max(0)
        scaled = (x - low) / (high - low) * 2 - 1
        keep(f"code.{name}.{row}.millivolts", x[MOMENTS])
        keep(f"code.{name}.{row}.prepared", scaled[MOMENTS])
        keep(f"code.{name}.{row}.mean", scaled.mean(0))


def cpsc2018(folder, rng):
    folder.mkdir(parents=True)
    for name in ("A0001", "A0002"):
        ecg = {"sex": "Male", "age": np.array([[74]]), "data": twelve_leads(rng, 40, 500, 0.08).T / 1000.0}
        scipy.io.savemat(folder / f"{name}.mat", {"ECG": ecg})
        with open(folder / f"{name}.mat", "r+b") as file:  # without the time of day, so that it can be made again
            file.write(b"MATLAB 5.0 MAT-file Platform: posix".ljust(116))
        assert scipy.io.loadmat(folder / f"{name}.mat")["ECG"]["data"][0, 0].shape == (12, 40)
    (folder / "REFERENCE.csv").write_text("Recording,First_label,Second_label,Third_label\nA0001,5,,\nA0002,1,,\n")


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    rng = np.random.default_rng(20240202)
    ptb(OUT / "ptb", rng)
    labels = [(0, 0, 0, 0, 0, 0), (1, 0, 0, 1, 0, 0), (0, 1, 0, 0, 0, 0), (0, 0, 1, 0, 1, 0), (0, 0, 0, 0, 0, 1)]
    gzip = {"compression": "gzip", "compression_opts": 9}
    code_test(OUT / "code-test", "f4", np.dtype("<f4"), labels, rng, chunks=(1, 4096, 12), **gzip)
    code_test(OUT / "code-test-f8", "f8", np.dtype(">f8"), labels[:2], rng, beat=0.4, chunks=(2, 1024, 12), **gzip)
    cpsc2018(OUT / "cpsc2018", rng)
    (OUT / "expected.csv").write_text("name,values\n" + "".join(f"{line}\n" for line in expected))
    size = sum(f.stat().st_size for f in OUT.rglob("*") if f.is_file())
    print(f"{size / 1000:.0f} kB in {OUT}")


if __name__ == "__main__":
    main()
