# bench/libtorch/measure.py: builds the two fine-tuning programs, lets them take turns, and writes the table
"""Run through bench/libtorch/run.sh, which prepares what this needs. Both are compiled by g++ -O3 -march=native and stripped,
and linked with no more than they call: of PyTorch's package, which is built for CUDA, with libtorch_cpu.so. They read the
same weights and records and print a loss per step; the losses must agree, or there is no table and the exit status is 1."""
import argparse
import datetime
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build/libtorch"
TORCH = Path(find_spec("torch").origin).parent
SYSTEM = re.compile(r"(ld-linux|lib(c|m|dl|rt|pthread|util|stdc\+\+|gcc_s)\.so)")  # of the C++ compiler and the C library
FLAGS = ["-std=c++20", "-O3", "-DNDEBUG", "-march=native", "-s"]
COMMANDS = {
    "cordis": [f"-I{ROOT}/include", "-isystem", "/usr/include/eigen3", "-pthread"],
    "torch": ["-isystem", f"{TORCH}/include", "-isystem", f"{TORCH}/include/torch/csrc/api/include", f"-L{TORCH}/lib",
              f"-Wl,-rpath,{TORCH}/lib", "-ltorch_cpu", "-lc10"],
}
INPUTS = {"cordis": "safetensors", "torch": "pt"}
THREADS = (1, 2)
TOLERANCE = 1e-3  # of a loss, from what rounding does to Adam's first steps


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()


def newest(*paths):
    return max(path.stat().st_mtime for path in paths)


def build(name):
    """The program, compiled where its sources are newer; seconds of a processor that it took."""
    program, took = BUILD / f"fine_tune_{name}", BUILD / f"fine_tune_{name}.json"
    source = HERE / f"fine_tune_{name}.cpp"
    sources = [source] + (list(ROOT.glob("include/**/*.hpp")) if name == "cordis" else [TORCH / "version.py"])
    command = ["g++", *FLAGS, str(source), *COMMANDS[name], "-o", str(program)]
    if not took.exists() or took.stat().st_mtime < newest(*sources) or json.loads(took.read_text())["command"] != command:
        print(f"== building {program.name}", file=sys.stderr)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        took.write_text(json.dumps({"command": command, "seconds": seconds}))
    return program, json.loads(took.read_text())["seconds"]


def libraries(file):
    """What the loader takes with it, without those that come with any C++ compiler."""
    found = re.findall(r"=> (/\S+)", output("ldd", str(file)))
    return {Path(path).resolve() for path in found if not SYSTEM.match(Path(path).name)}


def run(program, threads, steps):
    """Seconds to "ready" and to the first loss, of the fastest and the median later step, peak MiB, losses."""
    kind = INPUTS[program.name.removeprefix("fine_tune_")]
    env = {key: value for key, value in os.environ.items() if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    env |= {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CORDIS_NUM_THREADS")}
    start = time.perf_counter()
    process = subprocess.Popen([program, BUILD / f"weights.{kind}", BUILD / f"records.{kind}", str(steps)], env=env, text=True,
                               stdout=subprocess.PIPE)
    lines = [(line.strip(), time.perf_counter() - start) for line in process.stdout]
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or len(lines) != steps + 1 or lines[0][0] != "ready":
        sys.exit(f"{program.name} ended with status {process.returncode} after {len(lines)} lines")
    at = [when for _, when in lines]
    times = [b - a for a, b in zip(at[1:], at[2:])]
    return {"ready": at[0], "first": at[1], "step": min(times), "median": statistics.median(times),
            "peak": usage.ru_maxrss / 1024, "losses": [float(line) for line, _ in lines[1:]]}


def differences(ours, theirs):
    return max(abs(a - b) / abs(b) for a, b in zip(ours, theirs))


def mib(size):
    return f"{size / 2**20:.1f} MiB" if size < 100 * 2**20 else f"{size / 2**20:.0f} MiB"


def table(programs, found):
    size = {name: program.stat().st_size for name, (program, _) in programs.items()}
    needs = {name: libraries(program) for name, (program, _) in programs.items()}
    shipped = {name: sum(path.stat().st_size for path in needs[name]) for name in needs}
    yield "| | Cordis | LibTorch | ratio |"
    yield "|---|---|---|---|"

    def row(what, ours, theirs, show):
        ratio = f"{theirs / ours:.1f}" if theirs / ours < 10 else f"{theirs / ours:.0f}"
        return f"| {what} | {show(ours)} | {show(theirs)} | {ratio} |"

    yield row("stripped binary", size["cordis"], size["torch"], mib)
    yield "| shared libraries it needs beside those of any C++ program | " + " | ".join(
        f"{mib(shipped[name])} in {len(needs[name])}" if needs[name] else "none" for name in ("cordis", "torch")) + " | |"
    yield row("all that is to be shipped", *(size[name] + shipped[name] for name in ("cordis", "torch")), mib)

    def measured(what, key, best, show, threads):
        name = f"{what}, {threads} thread{'s' * (threads > 1)}"
        return row(name, *(best(run[key] for run in found[program, threads]) for program in ("cordis", "torch")), show)

    seconds, milliseconds, memory = (lambda s: f"{s:.2f} s"), (lambda s: f"{1e3 * s:.1f} ms"), (lambda m: f"{m:.0f} MiB")
    yield measured("process start until all is read", "ready", min, seconds, 1)
    yield measured("process start to the first loss", "first", min, seconds, 1)
    for threads in THREADS:
        yield measured("a step", "step", min, milliseconds, threads)
    for threads in THREADS:
        yield measured("peak memory", "peak", max, memory, threads)
    yield row("compiling and linking, processor time", programs["cordis"][1], programs["torch"][1], lambda s: f"{s:.0f} s")


def page(o, programs, found, load):
    cpu = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in output("lscpu").splitlines())}
    version = metadata.version("torch")
    full = sum(path.stat().st_size for path in libraries(TORCH / "lib/libtorch.so"))
    lines = ["# A fine-tuning program on Cordis and on LibTorch", "",
             f"- date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M UTC}",
             f"- machine: {cpu.get('Model name', '?')}, family {cpu.get('CPU family', '?')} model {cpu.get('Model', '?')}, "
             f"{os.cpu_count()} cores",
             f"- cordis: {output('git', 'describe', '--always', '--dirty')}",
             f"- LibTorch: that of PyPI's torch {version}, built for CUDA {output(sys.executable, '-c', CUDA)}",
             f"- compiler: {output('g++', '--version').splitlines()[0]}, {' '.join(FLAGS)}",
             f"- rounds: {o.rounds}, {o.steps} steps each; load before: {load:.2f}",
             "- command: `bench/libtorch/run.sh`", "",
             "ResNet1d18 for 12 leads from a file's weights, a new head, Adam, batch 32 of 1000 samples, f32 on the CPU, from the same "
             f"files: losses of all {o.steps} steps agree to {worst(found):.0e} of their size ({TOLERANCE:g} is allowed). Times are the "
             "fastest of all rounds, memory the largest; the ratio is LibTorch's figure over ours.", "", *table(programs, found), "",
             "The program is linked with libtorch_cpu.so alone. PyTorch's own CMake package links those for CUDA as well: "
             f"{full / 2**30:.1f} GiB in all.", ""]
    return "\n".join(lines)


CUDA = "import torch; print(torch.version.cuda)"


def worst(found):
    return max(differences(ours["losses"], theirs["losses"]) for threads in THREADS for ours in found["cordis", threads]
               for theirs in found["torch", threads])


def main():
    parser = argparse.ArgumentParser(prog="bench/libtorch/run.sh")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--out", type=Path, help="the page (bench/results/DATE-TIME-libtorch.md)")
    o = parser.parse_args()
    if o.rounds < 1 or o.steps < 2:
        parser.error("at least a round of 2 steps")
    out = o.out or ROOT / f"bench/results/{datetime.datetime.now():%Y-%m-%d-%H%M}-libtorch.md"
    BUILD.mkdir(parents=True, exist_ok=True)
    programs = {name: build(name) for name in COMMANDS}
    if not (BUILD / "records.pt").exists() or (BUILD / "records.pt").stat().st_mtime < (HERE / "inputs.py").stat().st_mtime:
        subprocess.run([sys.executable, HERE / "inputs.py", BUILD], check=True)
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"the load is {load:.2f}: something else is running, and the times will show it", file=sys.stderr)
    found = {}
    for turn in range(o.rounds + 1):  # the first fills the system's cache, and does not count
        for threads in THREADS:
            for name, (program, _) in programs.items():
                line = run(program, threads, o.steps if turn else 2)
                if turn:
                    found.setdefault((name, threads), []).append(line)
                    print(f"[{turn}/{o.rounds}] {name}, {threads}: first {line['first']:.2f} s, step {1e3 * line['step']:.1f} ms, "
                          f"median {1e3 * line['median']:.1f}, peak {line['peak']:.0f} MiB", file=sys.stderr)
    if not worst(found) <= TOLERANCE:
        sys.exit(f"losses differ by {worst(found):.1e} of their size, {TOLERANCE:g} is allowed")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(o, programs, found, load))
    print(out.read_text())


if __name__ == "__main__":
    main()
