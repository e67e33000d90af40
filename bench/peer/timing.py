# bench/peer/timing.py: the options, the timed loop and the JSON line of one configuration in a process of its own
import argparse
import json
import os
import resource
import statistics
import time


def options(modes):
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="resnet1d18")
    parser.add_argument("--mode", default=modes[0], choices=modes)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--length", type=int, default=1000)
    parser.add_argument("--dtype", default="f32", choices=["f32", "f64"])
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--reps", type=int, default=15)
    parser.add_argument("--min-reps", type=int, default=5, help="so many even past --max-s")
    parser.add_argument("--max-s", type=float, default=30)
    return parser


def since_process_start():
    with open("/proc/self/stat") as stat:
        start = int(stat.read().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start / os.sysconf("SC_CLK_TCK")


def peak_rss_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(o, peer, version, step, **more):
    """Prints the line. step: () -> a number, one training step or inference."""
    base = peak_rss_mb()
    value = step()
    first = since_process_start()
    times, end = [], time.perf_counter() + o.max_s
    for i in range(o.warmup + o.reps):
        start = time.perf_counter()
        value = step()
        now = time.perf_counter()
        if i >= o.warmup:
            times.append((now - start) * 1e3)
        if now > end and len(times) >= o.min_reps:
            break
    print(json.dumps(dict(
        peer=peer, version=version, model=o.model, mode=o.mode, batch=o.batch, threads=o.threads, length=o.length,
        dtype=o.dtype, n=len(times), median_ms=round(statistics.median(times), 4), min_ms=round(min(times), 4),
        peak_rss_mb=round(peak_rss_mb(), 1), base_rss_mb=round(base, 1),
        process_start_to_first_step_s=round(first, 3), last_value=value, load1=os.getloadavg()[0], **more)))
