# tests/cli/grid_sums.sh: sourced: what has to be the same in two runs of a grid
# Files of the cells, but for locks and times; tables of the whole.
results() { (cd "$1" && find cells -type f ! -name lock ! -name timing.csv | sort | xargs sha256sum); }
tables() { (cd "$1" && sha256sum cells.csv contrasts.csv classes.csv speed.csv claims.json); }
