# bench/peer/table.py: the tables of a results file, in markdown
"""table.py FILE.jsonl: claims with must, aim and what was measured, the worst configuration of each; then every
configuration. Times are the minima of all rounds."""
import json
import statistics
import sys

import claims

PEERS = (claims.INSTALLED, claims.TUNED, claims.ONNX)
NAMES = {claims.INSTALLED: "PyTorch as installed", claims.TUNED: "PyTorch tuned", claims.ONNX: "ONNX Runtime"}


def read(path):
    """The run's description, and the lines of each (configuration, peer)."""
    about, found = {}, {}
    with open(path) as file:
        for line in map(json.loads, file):
            if "peer" not in line:
                about = line
            elif "min_ms" in line:
                config = claims.Config(*(line[key] for key in ("model", "mode", "batch", "threads", "dtype")))
                found.setdefault((config, line["peer"]), []).append(line)
    return about, found


class Results:
    def __init__(self, found):
        self.found = found

    def least(self, config, peer="cordis", key="min_ms"):
        lines = self.found.get((config, peer))
        return min(line[key] for line in lines) if lines else None

    def most(self, config, key, peer="cordis"):
        lines = self.found.get((config, peer))
        return max(line[key] for line in lines) if lines else None

    def median(self, config, peer="cordis"):
        return statistics.median(line["median_ms"] for line in self.found[config, peer])

    def measured(self, claim, config):
        """The claim's figure for one configuration, None where a process is missing."""
        if claim.kind == "memory":
            return self.most(config, "peak_rss_mb")
        if claim.kind == "start":
            return self.least(config, key="process_start_to_first_step_s")
        ours = self.least(config)
        if claim.kind == "threads":
            alone = self.least(claims.Config(config.model, config.mode, config.batch, 1, config.dtype))
            return alone / ours if alone and ours else None
        theirs = [self.least(config, peer) for peer in claim.peers]
        return min(theirs) / ours if ours and all(theirs) else None


def claim_row(results, claim):
    limit = claim.kind in ("memory", "start")
    configs = [config for config in claim.configs if claim.kind != "threads" or config.threads > 1]
    figures = [(value, config) for config in configs if (value := results.measured(claim, config)) is not None]
    against = " or ".join(NAMES[peer] for peer in claim.peers) or "itself"
    aim = "" if claim.aim is None else f"{claim.aim:g}"
    head = [claim.title, against, f"{'at most' if limit else 'at least'} {claim.must:g}", aim]
    if not figures:
        return head + ["not measured", "", ""]
    value, config = (max if limit else min)(figures, key=lambda figure: figure[0])
    meets = (lambda goal: value <= goal) if limit else (lambda goal: value >= goal)
    reached = "aim" if claim.aim is not None and meets(claim.aim) else "must" if meets(claim.must) else "**no**"
    where = f"{config.model}, {config.threads} thread{'s' * (config.threads > 1)}"
    if missing := len(configs) - len(figures):
        where, reached = f"{where}; {missing} of {len(configs)} not measured", "not decided"
    return head + [f"{value:.1f}" if claim.kind == "memory" else f"{value:.2f}", where, reached]


def claim_rows(results, held):
    yield "| | against | must | aim | measured, the worst | where | reached |"
    yield "|---|---|---|---|---|---|---|"
    for claim in held:
        yield "| " + " | ".join(claim_row(results, claim)) + " |"


def config_rows(results):
    yield ("| model | mode | batch | threads | dtype | ours: min / median ms | GFLOP/s | peak MB | first step s | "
           + " | ".join(f"{NAMES[peer]}: min ms | ratio" for peer in PEERS) + " |")
    yield "|" + "---|" * (9 + 2 * len(PEERS))
    configs = {config for config, _ in results.found}
    order = lambda c: (c.mode != "train", c.dtype, c.batch, claims.MODELS.index(c.model), c.threads)
    for config in sorted(configs, key=order):
        ours = results.least(config)
        cells = [config.model, config.mode, config.batch, config.threads, config.dtype]
        if ours:
            cells += [f"{ours:.2f} / {results.median(config):.2f}", f"{results.most(config, 'gflops'):.0f}",
                      f"{results.most(config, 'peak_rss_mb'):.0f}",
                      f"{results.least(config, key='process_start_to_first_step_s'):.2f}"]
        else:
            cells += [""] * 4
        for peer in PEERS:
            theirs = results.least(config, peer)
            cells += [f"{theirs:.2f}" if theirs else "", f"{theirs / ours:.2f}" if theirs and ours else ""]
        yield "| " + " | ".join(map(str, cells)) + " |"


def tables(path):
    about, found = read(path)
    results = Results(found)
    held = claims.chosen(about.get("what", {claim.what for claim in claims.CLAIMS}), about.get("models", claims.MODELS))
    lines = ["# Against the peers", ""]
    lines += [f"- {key}: {value}" for key, value in about.items() if key not in ("what", "models")]
    lines += ["", "Ratio = the peer's time / ours, minima of all rounds. Records of 12 leads and 1000 samples, five classes.", ""]
    lines += [*claim_rows(results, held), "", *config_rows(results), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    print(tables(sys.argv[1]))
