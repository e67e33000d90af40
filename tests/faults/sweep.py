#!/usr/bin/env python3
"""tests/faults/sweep.py: what ecg does where calls to the system fail.

  sweep.py ECG INJECTOR WORK [--short] [--most N] [--table FILE] [--only OPERATION[;OPERATION...]]

WORK holds sets/up and sets/down (sweep.sh makes them). Each operation is run undisturbed first, which counts its calls of
each kind, and then with the N-th of them failing (inject.cpp), for all N or a sample of them. Held against it:
- it ends by itself, by no signal and in time, with status 0 or with one line on stderr that names the file (or memory);
- status 0 means the bytes of the undisturbed run;
- every file under a final name is whole: the old bytes, the new ones, or fewer epochs of them; nothing temporary is left;
- the same command without the fault then ends well, with the bytes of the undisturbed run.
Interrupted calls, partial reads and writes, and threads that are refused must not be noticed at all. A fault whose call
never came is counted as not reached. Exits with 1 where something went otherwise.
"""
import argparse
import collections
import datetime
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time

NET = "--width 2 --fc 4 --hidden 2 --length 48 --band none --batch 8".split()
QUICK = NET + ["--checkpoint-seconds", "0"]
GRID = """{"data": {"up": {"folders": ["sets/up"], "test": 0.25, "validation": 0, "length": 48, "band": "none"},
  "down": {"folders": ["sets/down"], "split": "stratified", "test": 0.3, "validation": 0.2, "length": 48, "band": "none"}},
 "models": ["gru"], "upstream": ["up"], "downstream": ["down"], "seeds": 1, "net": {"hidden": 2},
 "up": {"epochs": 2, "batch": 8}, "down": {"epochs": 2, "batch": 8}, "resamples": 100, "checkpoint-seconds": 0}
"""
PRETRAIN = ["pretrain", "../sets/up", "--epochs", "2", "--threads", "1", "--holdout", "0.25", "-o", "out"] + QUICK
TRAIN = ["train", "../sets/down", "--epochs", "3", "--threads", "2", "--test", "0.3", "--validation", "0.2", "--init",
         "up.safetensors", "-o", "out"] + QUICK
CACHED = ["train", "../sets/down", "--epochs", "1", "--threads", "1", "--test", "0.3", "--model", "gru", "--cache", "kept",
          "-o", "out"] + QUICK
COMPARE = ["compare", "--up", "../sets/up", "--down", "../sets/down", "--model", "gru", "--up-epochs", "1", "--up-batch", "8",
           "--epochs", "2", "--seeds", "1", "--validation", "0.2", "--resamples", "100", "--threads", "1", "-o", "out"] + QUICK

Fault = collections.namedtuple("Fault", "call how every above wanted", defaults=(0, 0, "told"))
FAULTS = {
    "interrupted reads": Fault("read", "EINTR", 2, wanted="unnoticed"),
    "interrupted writes": Fault("write", "EINTR", 2, wanted="unnoticed"),
    "interrupted opens": Fault("open", "EINTR", 2, wanted="unnoticed"),
    "interrupted syncs": Fault("sync", "EINTR", 2, wanted="unnoticed"),
    "partial reads": Fault("read", "short", 1, wanted="unnoticed"),
    "partial writes": Fault("write", "short", 1, wanted="unnoticed"),
    "threads refused": Fault("thread", "EAGAIN", 1, wanted="unnoticed"),
    "read EIO": Fault("read", "EIO"),
    "write EIO": Fault("write", "EIO"),
    "write ENOSPC": Fault("write", "ENOSPC"),
    "disk full": Fault("write", "full"),
    "open EMFILE": Fault("open", "EMFILE"),
    "open EACCES": Fault("open", "EACCES"),
    "sync EIO": Fault("sync", "EIO"),
    "rename EACCES": Fault("rename", "EACCES"),
    "map ENOMEM": Fault("map", "ENOMEM"),
    "close EIO": Fault("close", "EIO"),
    "remove EACCES": Fault("remove", "EACCES"),
    "mkdir ENOSPC": Fault("mkdir", "ENOSPC"),
    "stat EACCES": Fault("stat", "EACCES"),
    "one allocation": Fault("memory", "ENOMEM"),
    "one of 1 kB or more": Fault("memory", "ENOMEM", 0, 1024),
    "all from one on": Fault("memory", "ENOMEM", 1),
    "all of 4 kB or more from one on": Fault("memory", "ENOMEM", 1, 4096),
}
# So many are tried of each fault in each operation, where there are more.
SAMPLE = {"memory": 24, "": 16}


class Operation:
    """A command in a folder that `before` has filled; `short`: the faults of it for every day."""

    def __init__(self, name, command, before, short=()):
        self.name, self.command, self.before, self.short = name, command, before, short


class Sweep:
    def __init__(self, ecg, injector, work):
        self.ecg, self.injector, self.work = ecg, injector, pathlib.Path(work)
        self.folder, self.log = self.work / "case", self.work / "log"
        self.problems = []

    def run(self, command, fault=None, at=0):
        """(status, stdout, lines on stderr, warnings there, hits as (number, path), calls and bytes counted)"""
        environment = dict(os.environ, LC_ALL="C")
        self.log.unlink(missing_ok=True)
        if fault:
            environment.update(LD_PRELOAD=self.injector, FAULT_CALL=fault.call, FAULT_HOW=fault.how if at else "none",
                               FAULT_FROM=str(at), FAULT_EVERY=str(fault.every), FAULT_ABOVE=str(fault.above),
                               FAULT_UNDER=f"{self.folder}:{self.work / 'sets'}", FAULT_PROGRAM="ecg", FAULT_LOG=str(self.log))
        try:
            done = subprocess.run([self.ecg] + command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, errors="replace", timeout=60)
            status, stdout, stderr = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired:
            status, stdout, stderr = "hangs", "", ""
        warnings = [line for line in stderr.splitlines() if line.startswith("ecg: warning: ")]
        lines = [line for line in stderr.splitlines() if line not in warnings]
        hits, calls, written = [], 0, 0
        for line in self.log.read_text().splitlines() if self.log.exists() else []:
            word, number, rest = (line + " ").split(" ", 2)
            if word == "hit":
                hits.append((int(number), rest.strip()))
            else:
                calls, written = max(calls, int(number)), max(written, int(rest))
        return status, stdout, lines, warnings, hits, calls, written

    def must(self, *command):
        status, _, lines, *_ = self.run(list(command))
        assert status == 0, (command, status, lines)

    def fresh(self, origin=None):
        shutil.rmtree(self.folder, ignore_errors=True)
        if origin:
            shutil.copytree(origin, self.folder, symlinks=True)
        else:
            self.folder.mkdir()

    def keep(self, name):
        shutil.rmtree(self.work / name, ignore_errors=True)
        shutil.copytree(self.folder, self.work / name, symlinks=True)
        return self.work / name


def files_of(folder):
    """Path -> bytes of what two runs have to agree in: no locks, times, logs, and of reports the figures."""
    out = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_file() or path.name in ("lock", "timing.csv") or name.split("/")[-2:-1] == ["logs"]:
            continue
        data = path.read_bytes()
        if path.name == "report.html":
            data = b"".join(re.findall(rb"<svg.*?</svg>", data, re.S)) + data[-8:]
        out[name] = data
    return out


def is_half(name):
    return ".tmp" in name or ("plots/" in name and name.endswith(".log"))


def damaged(name, data, before, after):
    """Why a file that a failed run has left is not whole, or nothing."""
    if is_half(name):
        return "is left"
    if data in (before.get(name), after.get(name)) or "/failures/" in "/" + name:
        return None
    if name.endswith("epochs.csv") and name in after and data.endswith(b"\n") and after[name].startswith(data):
        return None
    if name.endswith("checkpoint.safetensors"):  # that its values are right is shown by going on from it
        head = int.from_bytes(data[:8], "little")
        ends = [int(end) for end in re.findall(rb'"data_offsets":\[\d+,(\d+)\]', data[8:8 + head])]
        return None if ends and len(data) == 8 + head + max(ends) else "is cut off"
    if name.endswith("report.html"):
        return None if data.endswith(b"</html>\n") else "is cut off"
    return "is neither the old nor the new one" if name in after or name in before else "was not expected"


def differences(now, wanted):
    return [f"{name}: {'missing' if name not in now else 'too much' if name not in wanted else 'other bytes'}"
            for name in sorted(now.keys() | wanted.keys()) if now.get(name) != wanted.get(name)]


def names_it(line, fault, hits):
    """Whether the message tells the file that was hit, or, of one that was only looked at, its folder."""
    if fault.call == "memory":
        return "memory" in line
    for _, path in hits:
        parts = pathlib.PurePath(re.sub(r"\.tmp\.[0-9.]*$", "", path)).parts
        if parts[-1] in line or (fault.call == "stat" and parts[-2] in line):
            return True
    return fault.how == "full" and "is the disk full?" in line  # of a cell that could not say why it failed


def one(sweep, operation, origin, before, after, told, fault, at):
    """Runs it once with the fault: "not reached", "unnoticed", "told", or what is wrong as a list."""
    sweep.fresh(origin)
    status, stdout, lines, warnings, hits, *_ = sweep.run(operation.command, fault, at)
    if not hits:
        return "not reached"
    wrong = []

    def now_there():  # a temporary file that could not be removed may stay
        return {name: data for name, data in files_of(sweep.folder).items() if fault.call != "remove" or not is_half(name)}

    now, failed = now_there(), status != 0
    if status == 0:
        if operation.name == "submit":  # a cell that was finished, but failed to clear up; the next run does
            now = {name: data for name, data in now.items() if "/failures/" not in name and
                   not name.endswith("/checkpoint.safetensors")}
        wrong += differences(now, after)
        if lines:
            wrong.append(f"status 0, but on stderr: {lines[0]}")
        if operation.name == "predict" and stdout != told:
            wrong.append("status 0, but other probabilities on stdout")
        if not wrong and operation.name != "submit":
            return "unnoticed"
    elif status == "hangs" or status < 0 or status >= 126:
        wrong.append(f"status {status}: {' '.join(lines)[:300]}")
    else:
        if fault.wanted == "unnoticed":
            wrong.append(f"status {status}, should have gone on: {' '.join(lines)[:300]}")
        said = " | ".join(lines + warnings if operation.name == "submit" else lines)  # which goes on where a cell failed
        if (len(lines) != 1 and operation.name != "submit") or not said.startswith("ecg: "):
            wrong.append(f"not one line on stderr: {said[:300]}")
        elif not names_it(said, fault, hits):
            wrong.append(f"hit {hits[0][1]}, but said: {said[:300]}")
    if status != 0:
        for name, data in now.items():
            why = damaged(name, data, before, after)
            if why:
                wrong.append(f"{name} {why}")
    status, _, lines, *_ = sweep.run(operation.command)
    if status != 0 or lines:
        wrong.append(f"again, without the fault: status {status}: {' '.join(lines)[:300]}")
    else:
        wrong += ["again, without the fault: " + text for text in differences(now_there(), after)]
    return wrong or ("told" if failed else "unnoticed")


def indices(fault, calls, written, most):
    """Which calls are to fail: all, or as many as the sample has, evenly spread with both ends."""
    if fault.wanted == "unnoticed":
        return [1] if calls else []
    most = min(most, SAMPLE.get(fault.call, SAMPLE[""]))
    last = written - 1 if fault.how == "full" else calls
    if last <= most:
        return list(range(1, last + 1))
    return sorted({1 + round(i * (last - 1) / max(1, most - 1)) for i in range(most)})


def operations(sweep):
    sets = sweep.work / "sets"

    def nothing():
        sweep.fresh()

    def weights():
        sweep.fresh()
        sweep.must(*PRETRAIN)
        shutil.move(sweep.folder / "out/weights.safetensors", sweep.folder / "up.safetensors")
        shutil.rmtree(sweep.folder / "out")

    def stopped():
        weights()
        for at in range(1, 100):  # the first rename that, failing, leaves a checkpoint
            shutil.rmtree(sweep.folder / "out", ignore_errors=True)
            status, *_ = sweep.run(TRAIN, Fault("rename", "EIO"), at)
            if status != 0 and (sweep.folder / "out/checkpoint.safetensors").exists():
                return
        raise AssertionError("no checkpoint was left")

    def cached():
        sweep.fresh()
        sweep.must(*CACHED)
        shutil.rmtree(sweep.folder / "out")

    def grid_file():
        sweep.fresh()
        (sweep.folder / "grid.json").write_text(GRID)

    def planned():
        grid_file()
        sweep.must("plan", "grid.json", "--root", str(sweep.work), "--out", "g")

    def upstream_done():
        planned()
        sweep.must("run-cell", "g", "up-up-gru-seed0")

    def all_done():
        planned()
        sweep.must("submit", "g", "--jobs", "1")
        shutil.rmtree(sweep.folder / "g/logs")

    def collected():
        all_done()
        sweep.must("collect", "g")

    record = str(sets / "down/r00.hea")
    return [
        Operation("pretrain", PRETRAIN, nothing, ("write EIO", "disk full", "one allocation")),
        Operation("train from weights", TRAIN, weights, ("read EIO", "sync EIO", "rename EACCES", "threads refused",
                                                         "interrupted reads", "interrupted writes", "all from one on")),
        Operation("train, gone on with", TRAIN, stopped, ("partial reads", "partial writes", "read EIO", "write ENOSPC")),
        Operation("train, making a cache", CACHED, nothing, ("write ENOSPC", "map ENOMEM")),
        Operation("train, with a cache", CACHED, cached, ("open EMFILE", "map ENOMEM", "stat EACCES")),
        Operation("plan", ["plan", "grid.json", "--root", str(sweep.work), "--out", "g"], grid_file),
        Operation("run-cell, upstream", ["run-cell", "g", "up-up-gru-seed0"], planned, ("interrupted opens", "interrupted syncs")),
        Operation("run-cell, downstream", ["run-cell", "g", "down-gru-from-up-seed0"], upstream_done),
        Operation("submit", ["submit", "g", "--jobs", "2"], planned),
        Operation("collect", ["collect", "g"], all_done, ("open EACCES", "rename EACCES")),
        Operation("report", ["report", "g"], collected),
        Operation("compare", COMPARE, nothing),
        Operation("predict", ["predict", "--model", "up.safetensors", record], weights, ("read EIO", "one allocation")),
    ]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("ecg")
    parser.add_argument("injector")
    parser.add_argument("work")
    parser.add_argument("--short", action="store_true", help="few faults: for every day")
    parser.add_argument("--table", help="file for the table, in Markdown")
    parser.add_argument("--only", default="", help="operations' names with ';' between them")
    parser.add_argument("--most", type=int, default=1000000, help="faults tried of each kind in each operation")
    o = parser.parse_args()
    sweep = Sweep(o.ecg, o.injector, o.work)
    begun, rows, totals, tried_all, bad = time.time(), [], collections.Counter(), 0, 0
    for operation in operations(sweep):
        if (o.only and operation.name not in o.only.split(";")) or (o.short and not operation.short):
            continue
        operation.before()
        origin = sweep.keep("origin")
        before = files_of(origin)
        sweep.must(*operation.command)
        after = files_of(sweep.folder)
        for title, fault in FAULTS.items():
            if o.short and title not in operation.short:
                continue
            sweep.fresh(origin)
            status, told, lines, _, _, calls, written = sweep.run(operation.command, fault)
            assert status == 0 and not differences(files_of(sweep.folder), after), (operation.name, status, lines)
            count, tried = collections.Counter(), 0
            for at in indices(fault, calls, written, 2 if o.short else o.most):
                result = one(sweep, operation, origin, before, after, told, fault, at)
                tried += 1
                if isinstance(result, list):
                    for text in result:
                        print(f"WRONG: {operation.name}, {title} at {at}: {text}", flush=True)
                    result = "wrong"
                count[result] += 1
            if tried:
                of = written if fault.how == "full" else calls
                rows.append((operation.name, title, of, tried, tried - count["not reached"], count["unnoticed"], count["told"],
                             count["wrong"]))
                print(f"{time.time() - begun:5.0f} s  {operation.name}: {title}: {tried} tried of {of}: "
                      + ", ".join(f"{number} {what}" for what, number in count.items()), flush=True)
                totals += count
    tried = sum(totals.values())
    print(f"{tried} faults tried, {tried - totals['not reached']} reached: {totals['unnoticed']} went unnoticed, "
          f"{totals['told']} were told and mended by the same command, {totals['wrong']} went wrong")
    if o.table:
        write_table(o.table, rows, totals, time.time() - begun)
    return 0 if tried and totals["wrong"] == 0 else 1


def write_table(path, rows, totals, seconds):
    processor = next((line.split(": ")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    tried = sum(totals.values())
    text = f"""# What `ecg` does where calls to the system fail

{datetime.date.today()}, {os.cpu_count()} cores of {processor}, {platform.platform()}; {seconds / 60:.0f} minutes.
Made by `tests/faults/run.sh`; `sweep.py` tells what is held against each run.

{tried} faults were tried and {tried - totals['not reached']} reached: {totals['unnoticed']} went unnoticed (status 0, the bytes of an
undisturbed run), {totals['told']} were told (one line that names the file, nothing half-written, and the same command then ended
with the bytes of an undisturbed run), {totals['wrong']} went wrong.

- *calls*: of that kind in an undisturbed run (bytes, for a full disk); where fewer were tried, they are spread evenly.
- Reads, writes and opens that are interrupted or partial: every second or every one of a run.

| operation | fault | calls | tried | reached | unnoticed | told | wrong |
|---|---|--:|--:|--:|--:|--:|--:|
"""
    text += "".join("| " + " | ".join(map(str, row)) + " |\n" for row in rows)
    pathlib.Path(path).write_text(text)


if __name__ == "__main__":
    sys.exit(main())
