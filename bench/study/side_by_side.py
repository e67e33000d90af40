#!/usr/bin/env python3
"""Two runs of one grid by two engines, both collected, as tables in Markdown: side_by_side.py RUN OTHER [NAMES]

  side_by_side.py runs/ludb runs/ludb-torch Cordis,PyTorch
"""
import csv
import json
import pathlib
import sys

METRICS = {"f1_weighted": "weighted F1", "auroc": "macro AUROC"}


def contrasts(run):
    rows = {}
    with open(run / "contrasts.csv", newline="") as file:
        for row in csv.DictReader(file):
            key = tuple(row[k] for k in ("data", "model", "head", "upstream", "size", "training_records", "moment", "metric"))
            rows[key] = row
    return rows


def score(row, side):
    return f"{float(row[side]):.3f} ± {float(row[side + '_sd']):.3f}"


def difference(row):
    return f"{float(row['difference']):+.3f} [{float(row['low']):+.3f}, {float(row['high']):+.3f}]"


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    runs = [pathlib.Path(path) for path in sys.argv[1:3]]
    names = sys.argv[3].split(",") if len(sys.argv) > 3 else [run.name for run in runs]
    tables = [contrasts(run) for run in runs]
    claims = [json.loads((run / "claims.json").read_text()) for run in runs]
    for run, each in zip(runs, claims):
        if each["finished"] < each["planned"]:
            print(f"{run}: {each['finished']} of {each['planned']} trainings are finished\n")

    print(f"| claim | metric | {names[0]} | {names[1]} |\n|---|---|---|---|")
    for metric, title in METRICS.items():
        for one, other in zip(*(each["claims"][metric] for each in claims)):
            cells = []
            for claim in (one, other):
                value, text = claim["value"], claim["verdict"]
                if value["low"] is not None:
                    text += f": {value['mean']:+.3f} [{value['low']:+.3f}, {value['high']:+.3f}]"
                cells.append(text)
            print(f"| {one['number']}. {one['claim']} | {title} | {' | '.join(cells)} |")

    for moment in ("last", "best", "first"):
        for metric, title in METRICS.items():
            keys = [key for key in tables[0] if key in tables[1] and key[-2:] == (moment, metric)]
            if not keys:
                continue
            print(f"\n{title}, {moment} epoch{' on test (optimistic)' if moment == 'best' else ''}; mean ± deviation over "
                  f"{tables[0][keys[0]]['pairs']} trainings\n")
            print("| network, training records | " + " | ".join(f"{name}: random | pretrained | difference [95 %]" for name in names) + " |")
            print("|---|" + "---|---|---|" * 2)
            for key in keys:
                rows = [table[key] for table in tables]
                print(f"| {key[1]}, {float(key[5]):.0f} | " + " | ".join(
                    f"{score(row, 'random')} | {score(row, 'pretrained')} | {difference(row)}" for row in rows) + " |")


if __name__ == "__main__":
    main()
