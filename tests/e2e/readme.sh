#!/usr/bin/env bash
# The README's path through the code exists: every file is there and holds the symbol it is named
# for; every tool and configuration that the README mentions exists.
set -euo pipefail
cd "$DUSK_SOURCE"
rows=0
while IFS='|' read -r _ _ file symbol _; do
  file=$(tr -d ' `' <<<"$file")
  symbol=$(sed 's/^ *`//; s/` *$//' <<<"$symbol")
  [ -f "$file" ] || { echo "FAILED: README names $file, which does not exist"; exit 1; }
  grep -qF -- "$symbol" "$file" || { echo "FAILED: README looks for '$symbol' in $file"; exit 1; }
  rows=$((rows + 1))
done < <(sed -n '/^| Question/,/^$/p' README.md | grep '`')
[ "$rows" -ge 10 ] || { echo "FAILED: only $rows rows found in the README's path"; exit 1; }
paths=0
while read -r path; do
  [ -e "$path" ] || { echo "FAILED: README mentions $path, which does not exist"; exit 1; }
  paths=$((paths + 1))
done < <(grep -oE '\b(tools|configs|launch|sharding|slurm)/[A-Za-z0-9_./-]*[A-Za-z0-9_]' README.md | sort -u)
[ "$paths" -ge 5 ] || { echo "FAILED: only $paths paths found in the README"; exit 1; }
echo "$rows rows and $paths paths of the README exist"
