# tests/readers/pipeline.py: folders of ECGs as arrays, by PyPI's wfdb, h5py, numpy and scipy alone
"""read(folder) gives the records of a data set with their labels, prepare(record, options) what a network sees of one.

Written from the data sets' own descriptions, and sharing nothing with include/cordis/ecg, to be held against it.
"""
import ast
import csv
import dataclasses
import fractions
import functools
import pathlib
import tempfile

import numpy as np
import scipy.signal

LEADS = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]
PTB_XL = ["NORM", "MI", "STTC", "HYP", "CD"]
LUDB = ["NORM", "HYP", "ISCHEMIA", "STTC", "CD", "AFIB_AFLT"]
SNOMED = {"NORM": 426783006, "AF": 164889003, "IAVB": 270492004, "LBBB": 164909002, "RBBB": 59118001, "PAC": 284470004,
          "VEB": 164884008, "STD": 429622005, "STE": 164931005, "SB": 426177001, "LAD": 39732003, "STach": 427084000,
          "TAb": 164934002, "TInv": 59931005, "LQT": 111975006}
CPSC = ["NORM", "AF", "IAVB", "LBBB", "RBBB", "PAC", "VEB", "STD", "STE"]
GEORGIA = ["NORM", "AF", "IAVB", "SB", "LAD", "STach", "TAb", "TInv", "LQT", "PAC"]
PTB = {"NORM": "Healthy control", "MI": "Myocardial infarction"}
CODE_TEST = ["1dAVb", "RBBB", "LBBB", "SB", "AF", "ST"]


@dataclasses.dataclass
class Record:
    name: str
    labels: list
    rate: float
    load: object  # () -> (samples, 12) float64 in millivolts, leads in standard order
    filtered: bool = False  # band-passed by whoever made the set


def wfdb_record(path, **options):
    """wfdb.rdrecord; one whose header carries a '.mat' suffix, which wfdb refuses, from a copy without it."""
    import wfdb

    path = pathlib.Path(path)
    header = path.with_name(path.name + ".hea")
    lines = header.read_text().split("\n")
    name, _, rest = lines[0].partition(" ")
    if not name.endswith(".mat"):
        return wfdb.rdrecord(str(path), **options)
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch) / header.name
        copy.write_text("\n".join([f"{name[:-4]} {rest}"] + lines[1:]))
        (copy.parent / name).symlink_to((path.parent / name).resolve())
        return wfdb.rdrecord(str(copy.with_suffix("")), **options)


def twelve_leads(path):
    record = wfdb_record(path)
    place = {lead.upper(): k for k, lead in enumerate(record.sig_name)}
    return record.p_signal[:, [place[lead] for lead in LEADS]]


def header_of(path):
    """(rate, comments) from a header's text."""
    lines = pathlib.Path(f"{path}.hea").read_text().splitlines()
    lines = [line for line in lines if line.strip()]
    rate = float(lines[0].split()[2].split("/")[0].split("(")[0])
    return rate, [line[1:].strip() for line in lines if line.startswith("#")]


def wfdb_entry(folder, name, labels):
    rate, comments = header_of(folder / name)
    filtered = any("band-pass" in c.lower() for c in comments)
    return Record(name, labels, rate, functools.partial(twelve_leads, folder / name), filtered)


def rows_of(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def read_labels(folder, classes, rate):
    rows = rows_of(folder / "labels.csv")
    names = classes or next(k for k in (PTB_XL, LUDB) if set(k) <= set(rows[0]))
    column = "filename" if "filename" in rows[0] else {100: "filename_lr", 500: "filename_hr"}[rate]
    return names, [wfdb_entry(folder, row[column], [int(row[k]) for k in names]) for row in rows]


def read_ptb_xl(folder, classes, rate):
    names = classes or PTB_XL
    superclass = {row[""]: row["diagnostic_class"] for row in rows_of(folder / "scp_statements.csv") if row["diagnostic"] == "1.0"}
    records = []
    for row in rows_of(folder / "ptbxl_database.csv"):
        has = {superclass.get(code) for code in ast.literal_eval(row["scp_codes"])}
        name = row[{100: "filename_lr", 500: "filename_hr"}[rate]]
        records.append(wfdb_entry(folder, name, [int(k in has) for k in names]))
    return names, records


def read_ludb(folder, classes, _rate):
    column = {"HYP": "Hypertrophies", "ISCHEMIA": "Ischemia", "STTC": "Non-specific repolarization abnormalities",
              "CD": "Conduction abnormalities", "ECTOPY": "Extrasystolies", "PACE": "Cardiac pacing"}
    names, records = classes or LUDB, []
    for row in rows_of(folder / "ludb.csv"):
        found = {k for k, name in column.items() if row[name].strip()}
        if any(line.lower().startswith(("atrial fibrillation", "atrial flutter")) for line in row["Rhythms"].splitlines()):
            found.add("AFIB_AFLT")
        found = found or {"NORM"}
        records.append(wfdb_entry(folder, f"data/{row['ID'].strip()}", [int(k in found) for k in names]))
    return names, records


def read_challenge(folder, classes, _rate):
    headers = sorted(folder.rglob("*.hea"), key=lambda path: path.as_posix())
    initials = {path.name[0] for path in headers}
    names = classes or (CPSC if initials == {"A"} else GEORGIA if initials == {"E"} else list(SNOMED))
    records = []
    for path in headers:
        name = path.relative_to(folder).with_suffix("").as_posix()
        _, comments = header_of(folder / name)
        codes = {code.strip() for c in comments if c.startswith("Dx:") for code in c[3:].split(",")}
        records.append(wfdb_entry(folder, name, [int(str(SNOMED[k]) in codes) for k in names]))
    return names, records


def read_ptb(folder, classes, _rate):
    names, records = classes or list(PTB), []
    for name in (folder / "RECORDS").read_text().split():
        _, comments = header_of(folder / name)
        reason = [c.split(":", 1)[1].strip() for c in comments if c.startswith("Reason for admission:")]
        if reason and reason[0].lower() not in ("", "n/a"):  # records of which nothing is known are left out
            records.append(wfdb_entry(folder, name, [int(PTB.get(k, k) == reason[0]) for k in names]))
    return names, records


def read_code_test(folder, classes, _rate):
    import h5py

    tracings = h5py.File(folder / "ecg_tracings.hdf5")["tracings"]
    rows = rows_of(folder / "annotations" / "gold_standard.csv")
    assert len(rows) == len(tracings), (len(rows), tracings.shape)
    names, records = classes or ["NORM", *CODE_TEST], []
    for i, row in enumerate(rows):
        labels = {k: int(row[k]) for k in CODE_TEST}
        labels["NORM"] = int(not any(labels.values()))
        # 1e-4 V; 4096 samples of which 48 at each end were added
        load = functools.partial(lambda i: tracings[i, 48:-48].astype(np.float64) / 10, i)
        records.append(Record(str(i), [labels[k] for k in names], 400.0, load))
    return names, records


def read(folder, classes=None, rate=100):
    """(class names, records) of a folder, in the order that Cordis documents for its kind."""
    folder = pathlib.Path(folder)
    for marker, reader in (("labels.csv", read_labels), ("ptbxl_database.csv", read_ptb_xl),
                           ("ludb.csv", read_ludb), ("ecg_tracings.hdf5", read_code_test), ("RECORDS", read_ptb)):
        if (folder / marker).exists():
            return reader(folder, classes, rate)
    return read_challenge(folder, classes, rate)


@dataclasses.dataclass
class Options:
    """As `ecg` names them; the defaults are its own."""
    rate: float = 100
    length: int = 1000
    skip: int = 0
    band: str = "0.5,40"
    resampling: str = "polyphase"
    scaling: str = "z-score"
    missing: str = "fill"


def fill(x):
    """NaN by the mean of the nearest samples on both sides, or the nearest one at an end; in each column."""
    x = x.copy()
    for lead in x.T:
        known = np.flatnonzero(~np.isnan(lead))
        for i in np.flatnonzero(np.isnan(lead)):
            before, after = known[known < i][-1:], known[known > i][:1]
            lead[i] = np.mean(lead[np.concatenate([before, after])])
    return x


def prepare(record, options=Options()):
    """(length, 12) float32, or None for a record that is too short."""
    x = record.load()
    band = options.band != "none" and not record.filtered
    if np.isnan(x).any() and options.missing == "fill" and (band or options.resampling == "polyphase"):
        x = fill(x)
    if band:
        low, high = map(float, options.band.split(","))
        sections = scipy.signal.butter(4, [low, high], "band", fs=record.rate, output="sos")
        x = scipy.signal.sosfiltfilt(sections, x, axis=0)
    if record.rate != options.rate:
        ratio = fractions.Fraction(options.rate) / fractions.Fraction(record.rate)
        if options.resampling == "polyphase":
            x = scipy.signal.resample_poly(x, ratio.numerator, ratio.denominator, axis=0)
        else:
            assert ratio.numerator == 1, ratio
            x = x[::ratio.denominator]
    x = x[options.skip:options.skip + options.length]
    if len(x) < options.length:
        return None
    if options.scaling == "z-score":
        x = (x - np.nanmean(x, 0)) / (np.nanstd(x, 0) + 1e-6)
    elif options.scaling == "min-max":
        low, high = np.nanmin(x, 0), np.nanmax(x, 0)
        flat = high == low
        x = np.where(flat, np.where(np.isnan(x), x, -1), 2 * (x - low) / np.where(flat, 1, high - low) - 1)
    if options.missing == "fill" and np.isnan(x).any():
        x = fill(x)
    return x.astype(np.float32)
