# bench/peer/compare.py: goes round the project and its peers in turn, a process each, and keeps what they print
"""Run through bench/peer/run.sh, which prepares what this needs; options: run.sh --help."""
import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import claims
import table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# malloc keeps and reuses big blocks, where it would map and fault them in afresh each step
KEEP_MEMORY = dict(MALLOC_MMAP_THRESHOLD_="4294967296", MALLOC_TRIM_THRESHOLD_="8589934592", MALLOC_TOP_PAD_="268435456")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()


def about(o):
    cpu = {key.strip(): value.strip() for key, _, value in
           (line.partition(":") for line in output("lscpu").splitlines())}
    cache = (o.bench.parent.parent / "CMakeCache.txt").read_text().splitlines()
    compiler = next(line.partition("=")[2] for line in cache if line.startswith("CMAKE_CXX_COMPILER:"))
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{cpu.get('Model name', platform.machine())}, family {cpu.get('CPU family', '?')} "
                   f"model {cpu.get('Model', '?')}, {os.cpu_count()} cores",
        "cordis": output("git", "describe", "--always", "--dirty"),
        "compiler": output(compiler, "--version").splitlines()[0],
        **{name: metadata.version(name) for name in ("torch", "onnxruntime")},
        "python": platform.python_version(),
        "rounds": o.rounds,
        "repetitions": f"at most {o.reps}, {o.max_s:g} s, at least {o.min_reps}",
        "load before": round(os.getloadavg()[0], 2),
        "what": o.what,
        "models": o.models,
    }


def onnx_file(o, config):
    path = o.onnx / f"{config.model}-{config.batch}-torch-{metadata.version('torch')}"
    stored = Path(f"{path}.npz")
    if not stored.exists() or stored.stat().st_mtime < (HERE / "networks.py").stat().st_mtime:
        subprocess.run([sys.executable, HERE / "export_onnx.py", config.model, str(config.batch), "1000", str(path)],
                       check=True, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


def environment(**more):
    dropped = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "CORDIS_NUM_THREADS")
    return {key: value for key, value in os.environ.items() if key not in dropped} | more


def measure(o, config, peer):
    options = [f"--{key}={value}" for key, value in vars(config).items()]
    options += [f"--warmup={o.warmup}", f"--reps={o.reps}", f"--min-reps={o.min_reps}", f"--max-s={o.max_s}"]
    env = environment()
    if peer == "cordis":
        command = [o.bench, *(part for option in options for part in option.split("="))]
    elif peer == claims.ONNX:
        command = [sys.executable, HERE / "onnxruntime_bench.py", *options, f"--file={onnx_file(o, config)}"]
    else:
        command = [sys.executable, HERE / "torch_bench.py", *options]
        if peer == claims.TUNED:
            command.append("--tuned")
            env |= KEEP_MEMORY
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode == 0:
        return json.loads(done.stdout.strip().splitlines()[-1])
    return dict(vars(config), peer=peer, failed=done.returncode, error=done.stderr.strip()[-500:])


def plan(held):
    """Each configuration once, in the order of the claims, with those who run it."""
    runs = {}
    for claim in held:
        for config in claim.configs:
            peers = runs.setdefault(config, ["cordis"])
            peers += [peer for peer in claim.peers if peer not in peers]
    return runs


def main():
    groups = list(dict.fromkeys(claim.what for claim in claims.CLAIMS))
    names = lambda text: text.split(",")
    parser = argparse.ArgumentParser(prog="bench/peer/run.sh")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", type=names, default=list(claims.MODELS), help="of " + ",".join(claims.MODELS))
    parser.add_argument("--what", type=names, default=groups, help="of " + ",".join(groups))
    parser.add_argument("--warmup", type=int, default=1, help="steps after the first that do not count")
    parser.add_argument("--reps", type=int, default=200)
    parser.add_argument("--min-reps", type=int, default=5)
    parser.add_argument("--max-s", type=float, default=2, help="of a process, once it has --min-reps")
    parser.add_argument("--out", type=Path, help="results go to OUT.jsonl and OUT.md (bench/results/DATE-TIME)")
    parser.add_argument("--bench", type=Path, default=ROOT / "build/bench/bench/model_bench", help=argparse.SUPPRESS)
    o = parser.parse_args()
    for given, known in ((o.models, claims.MODELS), (o.what, groups)):
        if unknown := set(given) - set(known):
            parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(known)}")
    o.bench = o.bench.resolve()
    o.onnx = ROOT / "build/peer-onnx"
    o.onnx.mkdir(parents=True, exist_ok=True)
    out = o.out or ROOT / "bench/results" / datetime.datetime.now().strftime("%Y-%m-%d-%H%M")
    out.parent.mkdir(parents=True, exist_ok=True)
    results, page = out.with_name(out.name + ".jsonl"), out.with_name(out.name + ".md")

    runs = plan(claims.chosen(o.what, o.models))
    for config, peers in runs.items():
        if claims.ONNX in peers:
            onnx_file(o, config)
    if os.getloadavg()[0] > 0.5:
        print(f"the load is {os.getloadavg()[0]:.2f}: something else is running, and the times will show it", file=sys.stderr)
    total, count = o.rounds * sum(map(len, runs.values())), 0
    with open(results, "w") as file:
        file.write(json.dumps(about(o)) + "\n")
        for turn in range(o.rounds):
            for config, peers in runs.items():
                for peer in peers:
                    line = measure(o, config, peer) | {"round": turn + 1}
                    file.write(json.dumps(line) + "\n")
                    file.flush()
                    count += 1
                    found = f"{line['min_ms']:.2f} ms" if "min_ms" in line else f"FAILED: {line['error'][-200:]}"
                    print(f"[{count}/{total}]", *vars(config).values(), f"{peer}: {found}", file=sys.stderr)
    page.write_text(table.tables(results))
    print(page.read_text())
    print(f"kept in {results} and {page.name}", file=sys.stderr)


if __name__ == "__main__":
    main()
