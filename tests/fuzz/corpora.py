#!/usr/bin/env python3
"""Seeds for the fuzz targets, from the real files of examples/data: corpora.py OUT [WEIGHTS.safetensors...]"""
import pathlib
import sys

DATA = pathlib.Path(__file__).resolve().parents[2] / "examples" / "data"
TABLES = ["labels.csv", "ptbxl_database.csv", "ludb.csv", "scp_statements.csv"]


def main():
    out = pathlib.Path(sys.argv[1])

    def put(target, name, data):
        (out / target).mkdir(parents=True, exist_ok=True)
        (out / target / name).write_bytes(data)

    headers = [sorted(DATA.glob(pattern))[0] for pattern in ("ludb/data/*.hea", "ptb-xl-mini/records100/*/*.hea",
                                                             "ptb-xl-derived/records100z/*/*.hea")]
    for i, path in enumerate(headers):
        text = path.read_bytes()
        put("wfdb_header", f"{i}", text)
        stem = path.stem.encode()
        own = text.replace(stem + b".dat", b"r.dat").replace(stem, b"r")
        words = own.split(b"\n")[0].split()
        words[3] = b"40"  # samples
        own = b" ".join(words) + own[own.index(b"\n"):]
        put("wfdb_record", f"{i}", len(own).to_bytes(2, "little") + own + path.with_suffix(".dat").read_bytes()[:40 * 24])
    challenge = (b"r 2 500 40 12-May-2020 12:33:59\nr.mat 16+24 1000/mV 16 0 28 -1716 0 I\nr.mat 16+24 1000.0(0)/mV 16 0 7 2029 0 II\n"
                 b"#Age: 74\n#Dx: 59118001,164889003\n")
    put("wfdb_header", "challenge", challenge)
    put("wfdb_record", "challenge", len(challenge).to_bytes(2, "little") + challenge + bytes(range(200)))
    for fmt in (8, 16, 24, 32, 61, 80, 160, 212, 310, 311):
        other = f"r 2 100 12\nr.dat {fmt} 200(3)/uV 12 1 0 0 0 II\nr.dat {fmt} 200 12 0 5 0 0 V1\n".encode()
        put("wfdb_record", f"format{fmt}", len(other).to_bytes(2, "little") + other + bytes(range(100)))
    for path in DATA.glob("*/*.csv"):
        lines = path.read_bytes().split(b"\n")[:8]
        put("tables", f"{path.parent.name}-{path.name}", bytes([TABLES.index(path.name)]) + b"\n".join(lines) + b"\n")
    for i, path in enumerate(sys.argv[2:]):
        data = pathlib.Path(path).read_bytes()
        if len(data) < 100_000:
            put("safetensors", f"file{i}", data)
    head = b'{"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"__metadata__":{"k":"v\\u00e9"},"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]}}'
    put("safetensors", "small", len(head).to_bytes(8, "little") + head + bytes(16))


if __name__ == "__main__":
    main()
