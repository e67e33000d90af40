# tests/cli/run_sums.sh: sourced: what has to be the same in two runs of one command
# Every file's name; the sums of all but locks, times, and the report, of which the figures count.
listing() { (cd "$1" && find . -type f | sort); }
sums() { (cd "$1" && find . -type f ! -name lock ! -name timing.csv ! -name report.html | sort | xargs sha256sum); }
figures() { sed -n '/<svg/,/<\/svg>/p' "$1/report.html"; }
