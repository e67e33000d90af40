#!/bin/sh
# tests/simt/selftest.sh PLAIN ASAN RACE: runs the self-test's three builds: what is right must pass with seeds 1 to 3,
# and each mistake must be found by the builds that the table names. Prints what found what: "message" where the
# emulation stopped it, "result" where only a wrong result showed, "-" where nothing did.
plain=$1 asan=$2 race=$3
failed=0

# MISTAKE and the builds that must find it: p, a, r
table='
dropped_barrier par
dropped_syncwarp par
divergent_barrier par
barrier_after_exit par
mask_without_caller par
masks_differ par
exited_lane par
write_past_end par
read_past_end ar
shared_overrun par
dynamic_shared_overrun par
uninitialised_read r
uninitialised_shared par
race_between_blocks r
freed_read par
missing_wait par
missing_host_wait par
host_dereference par
double_free par
copy_past_end par
wrong_kind par
too_many_threads par
too_much_shared par
empty_grid par
'

# One word for all seeds: the weakest.
outcome() {
  word=message
  for seed in 1 2 3; do
    CORDIS_SIMT_SEED=$seed timeout 120 "$1" "$2" >/dev/null 2>&1
    case $? in
      0) word=- ;;
      86) ;;
      1) [ $word = message ] && word=result ;;
      *) word=crash ;;
    esac
  done
  echo $word
}

for program in "$plain" "$asan" "$race"; do
  for seed in 1 2 3; do
    CORDIS_SIMT_SEED=$seed timeout 120 "$program" && continue
    echo "FAILED: $program with seed $seed"
    failed=1
  done
done

for name in $("$plain" --list); do
  [ "$name" = none ] || echo "$table" | grep -q "^$name " || { echo "FAILED: $name is not in the table"; failed=1; }
done

printf '%-24s %-9s %-9s %-9s\n' mistake plain asan race
while read -r mistake builds; do
  [ -n "$mistake" ] || continue
  p=$(outcome "$plain" "$mistake") a=$(outcome "$asan" "$mistake") r=$(outcome "$race" "$mistake")
  verdict=
  for pair in p$p a$a r$r; do
    build=${pair%"${pair#?}"} word=${pair#?}
    case $builds in
      *$build*) case $word in message | result) ;; *) verdict=FAILED failed=1 ;; esac ;;
      *) [ $word = crash ] && verdict=FAILED failed=1 ;;
    esac
  done
  printf '%-24s %-9s %-9s %-9s %s\n' "$mistake" "$p" "$a" "$r" "$verdict"
done <<END
$table
END
exit $failed
