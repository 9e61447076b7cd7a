#!/usr/bin/env bash
# The 03:12 incident by command line: many failures of three errors; replay one group, abort it in the middle, resume
# another, discard and undo. Needs QCONSOLE_REDIS_URL, JOBS (how many failed) and a worker settings class `shop`.
set -euo pipefail

say() { printf '%4d s — %s\n' "$SECONDS" "$*"; }
field() { python -c 'import json, sys; value = json.load(sys.stdin)
for key in sys.argv[1].split("."): value = value[int(key) if key.isdigit() else key]
print(value)' "$1"; }
expect() { [ "$2" = "$3" ] || { echo "$1: expected $3, got $2" >&2; exit 1; }; }
count() { qconsole dlq groups -o json | python -c 'import json, sys
print(sum(g["count"] for g in json.load(sys.stdin)["items"] if g["error_type"] == sys.argv[1]))' "$1"; }

say "three groups, one of each error"
expect groups "$(qconsole dlq groups -o json | python -c 'import json, sys; print(len(json.load(sys.stdin)["items"]))')" 3
each=$((JOBS / 3))
expect timeouts "$(count TimeoutError)" "$each"
group=$(qconsole dlq groups -o json | python -c 'import json, sys
print(next(g["fingerprint"] for g in json.load(sys.stdin)["items"] if g["error_type"] == "TimeoutError")[:8])')

say "a dry run counts and changes nothing"
expect dry-run "$(qconsole dlq replay --filter "fp:$group" --dry-run -o json | field count.value)" "$each"
expect untouched "$(count TimeoutError)" "$each"

say "without a terminal it does not ask, it refuses: exit 4"
code=0; qconsole dlq replay --filter "fp:$group" -o json </dev/null 2>error.json || code=$?
expect unconfirmed "$code" 4
expect error-code "$(field error.code <error.json)" unconfirmed

say "too many for --max-affected: exit 4, nothing changed"
code=0; qconsole dlq replay --filter "fp:$group" --yes --max-affected 1 2>/dev/null || code=$?
expect max-affected "$code" 4
expect untouched "$(count TimeoutError)" "$each"

say "replay that group slowly, interrupt it with Ctrl-C: exit 130, the operation is paused"
rate=$((each / 15)); [ "$rate" -gt 5000 ] && rate=5000
code=0
python - "$group" "$rate" <<'PY' || code=$?
import json, signal, subprocess, sys, time

group, rate = sys.argv[1:]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background ignores it, and so would the child
command = ["qconsole", "dlq", "replay", "--filter", f"fp:{group}", "--yes", "--rate", rate, "--reason", "gateway is back"]
replay = subprocess.Popen(command, stderr=subprocess.DEVNULL)
end = time.monotonic() + 30
while time.monotonic() < end:
    listed = json.loads(subprocess.run(["qconsole", "operations", "list", "--active", "-o", "json"], capture_output=True).stdout)
    if any(operation["done"] for operation in listed["items"]):
        break
replay.send_signal(signal.SIGINT)
sys.exit(replay.wait(timeout=30))
PY
expect interrupted "$code" 130
operation=$(qconsole operations list --active -o json | field items.0.id)
expect state "$(qconsole operations show "$operation" -o json | field state)" paused
done=$(qconsole operations show "$operation" -o json | field done)
[ "$done" -gt 0 ] && [ "$done" -lt "$each" ] || { echo "interrupted after $done of $each" >&2; exit 1; }

say "resume it, faster: every one of that group and nothing else"
expect resumed "$(qconsole operations resume "$operation" --rate 5000 -o json 2>/dev/null | field done)" "$each"
expect emptied "$(count TimeoutError)" 0
expect others "$(count KeyError)" "$each"
expect waiting "$(qconsole queues show shop -o json | field counts.waiting)" "$each"

say "a second group: abort it in the middle; what it did stays, the rest stays open"
other=$(qconsole dlq groups -o json | python -c 'import json, sys
print(next(g["fingerprint"] for g in json.load(sys.stdin)["items"] if g["error_type"] == "KeyError")[:8])')
qconsole dlq replay --filter "fp:$other" --yes --rate "$rate" -o json >aborted.json 2>/dev/null & replaying=$!
aborted=$(python - <<'PY'
import json, subprocess, time

end = time.monotonic() + 60
while time.monotonic() < end:
    listed = json.loads(subprocess.run(["qconsole", "operations", "list", "--active", "-o", "json"], capture_output=True).stdout)
    if any(operation["done"] for operation in listed["items"]):
        print(listed["items"][0]["id"])
        break
PY
)
qconsole operations abort "$aborted" --reason "wrong group" -o json >/dev/null
code=0; wait "$replaying" || code=$?
expect stopped "$code" 6
expect aborted "$(qconsole operations show "$aborted" -o json | field state)" aborted
done=$(qconsole operations show "$aborted" -o json | field done)
[ "$done" -gt 0 ] && [ "$done" -lt "$each" ] || { echo "aborted after $done of $each" >&2; exit 1; }
expect kept "$(count KeyError)" "$((each - done))"

say "discard the third group, then undo: all open again"
third=$(qconsole dlq groups -o json | python -c 'import json, sys
print(next(g["fingerprint"] for g in json.load(sys.stdin)["items"] if g["error_type"] == "ValueError")[:8])')
discarded=$(qconsole dlq discard --filter "fp:$third" --yes --reason "addresses are lost" -o json 2>/dev/null | field id)
expect discarded "$(count ValueError)" 0
expect undone "$(qconsole operations undo "$discarded" -o json | field done)" "$each"
expect restored "$(count ValueError)" "$each"

say "a concurrent pair of operators never acts twice on one dead letter"
qconsole dlq replay --filter "fp:$third" --yes --reason one -o json 2>/dev/null >one.json & first=$!
qconsole dlq replay --filter "fp:$third" --yes --reason two -o json 2>/dev/null >two.json || true
wait "$first" || true
expect together "$(($(field done <one.json) + $(field done <two.json)))" "$each"

say "the audit shows who did what, why, and to how many"
qconsole audit list --limit 100 -o json >audit.json
python - "$operation" <<'PY'
import json, sys

rows = json.load(open("audit.json"))["items"]
assert all(row["face"] == "cli" and row["actor"] for row in rows), rows
assert any(row["operation"] == sys.argv[1] and row["reason"] == "gateway is back" for row in rows), rows
assert any(row["action"] == "operations.abort" and row["reason"] == "wrong group" for row in rows), rows
assert any(row["reason"] == "addresses are lost" for row in rows), rows
PY

say "check breaches while dead letters are open: exit 7 and which rule"
code=0; qconsole check --dlq-max 0 >check.txt || code=$?
expect check "$code" 7
grep -q BREACHED check.txt
say "done"
