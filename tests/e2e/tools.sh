#!/usr/bin/env bash
# The developers' tools. The scoreboard itself, on rows made up here: what is met, missed, skipped,
# broken or too slow shows as such, and decides the exit code. Build times, of this very build.
source "$(dirname "$0")/common.sh"
board=$DUSK_SOURCE/tools/bench/scoreboard
rows=$work/rows
mkdir "$rows"

row() {
  printf '#!/usr/bin/env bash\n%s\n' "$2" >"$rows/$1"
  chmod +x "$rows/$1"
}
row good 'echo noise; echo "{\"name\": \"good\", \"ours\": 2, \"peer\": 5, \"ratio\": 2.5, \"unit\": \"ms\", \"bar\": \">= 1\", \"met\": true}"'
row absent 'echo "{\"name\": \"absent\", \"skipped\": \"no peers\"}"; exit 77'
row slow $'# scoreboard: long\necho "{\\"name\\": \\"slow\\", \\"ours\\": 1, \\"bar\\": \\"<= 2\\", \\"met\\": true}"'
echo "not a row" >"$rows/README"

expect 0 "good +2 ms +5 ms +2.5 +>= 1 +met" "$board" --rows "$rows" --only good --json "$work/out.json"
grep -q '"ratio": 2.5' "$work/out.json" || die "the JSON file lacks the figure"
expect 0 "absent .*skipped \(no peers\)" "$board" --rows "$rows"
expect 0 "slow .*skipped \(takes long" "$board" --rows "$rows"
expect 0 "slow +1 .*met" "$board" --rows "$rows" --long
expect 1 "no row matches 'nothing'; there are: absent, good, slow" "$board" --rows "$rows" --only nothing

row bad 'echo "{\"name\": \"bad\", \"ours\": 3, \"bar\": \"<= 2\", \"met\": false, \"note\": \"noisy\"}"'
expect 1 "bad .*MISSED  \(noisy\)" "$board" --rows "$rows"
rm "$rows/bad"
row broken 'echo "cannot open x" >&2; exit 3'
expect 1 "broken .*FAILED \(exit code 3: cannot open x\)" "$board" --rows "$rows"
rm "$rows/broken"
row endless $'# scoreboard: timeout 1\nsleep 60 & wait'
expect 1 "endless .*FAILED \(no end after 1 s\)" "$board" --rows "$rows"
rm "$rows/endless"
row silent 'true'
expect 1 "silent .*FAILED" "$board" --rows "$rows"
rm "$rows/silent"

preset=$(basename "$(dirname "$DUSK")")
expect 0 "the slowest 2:" "$DUSK_SOURCE/tools/build-times" "$preset" -n 2
[ "$(sed '1,/the slowest/d' "$work/output" | grep -cE '^ +[0-9.]+ s  [^ ]+$')" -eq 2 ] || die "not two files: $(cat "$work/output")"
expect 1 "build first" "$DUSK_SOURCE/tools/build-times" no-such-preset
say "done"
