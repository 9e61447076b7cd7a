#!/usr/bin/env bash
# A Redis that only plain arq has used, by command line: what is seen, retried, run now, cancelled, removed and given
# back, and what is said to be missing. Needs QCONSOLE_REDIS_URL and JOBS: so many calls of `resize`, as many of `send`
# which have all failed, and 20 of `resize` that are due in an hour, ids `later-0` to `later-19`.
set -euo pipefail

say() { printf '%4d s — %s\n' "$SECONDS" "$*"; }
field() { python -c 'import json, sys; value = json.load(sys.stdin)
for key in sys.argv[1].split("."): value = value[int(key) if key.isdigit() else key]
print(value)' "$1"; }
expect() { [ "$2" = "$3" ] || { echo "$1: expected $3, got $2" >&2; exit 1; }; }
says() { said=$("${@:2}" 2>&1); grep -q "$1" <<<"$said" || { echo "${*:2}: expected $1, got $said" >&2; exit 1; }; }
fails() { code=0; "${@:3}" >out.txt 2>err.txt || code=$?; expect "$1" "$code" "$2"; }

say "its queue is found, with what waits and what is deferred"
expect queue "$(qconsole queues list -o json | field items.0.name)" arq:queue
expect delayed "$(qconsole queues show arq:queue -o json | field counts.delayed)" 20
expect native "$(qconsole queues show arq:queue -o json | field native)" False

say "filters by state, type, error and payload find its jobs and results"
expect state "$(qconsole jobs list state:delayed --limit 1 -o json | field total.value)" 20
expect failed "$(qconsole jobs list 'state:failed type:send error~refused' --limit 1 -o json | field items.0.job_type)" send
expect payload "$(qconsole jobs list payload.to:user0@example.com -o json | field items.0.id)" mail-0
expect result "$(qconsole jobs show image-1 -o json | field state)" completed

say "why: a sentence for one that failed and one that is deferred"
says "It has failed: ConnectionError: mail host refused user0@example.com" qconsole jobs why mail-0
says "It is delayed: due in" qconsole jobs why later-0

say "retry one, then all that failed; the number is what failed"
expect retried "$(qconsole jobs retry mail-0 --reason 'host is back' -o json | field sentence)" "Job mail-0 was put back."
expect planned "$(qconsole jobs retry --filter state:failed --dry-run -o json | field count.value)" "$((JOBS - 1))"
expect all "$(qconsole jobs retry --filter state:failed --yes --reason 'host is back' -o json 2>/dev/null | field done)" "$((JOBS - 1))"
expect waiting "$(qconsole queues show arq:queue -o json | field counts.waiting)" "$JOBS"

say "run one now, cancel one, remove one and give it back"
qconsole jobs promote later-0 >/dev/null
expect promoted "$(qconsole jobs show later-0 -o json | field state)" waiting
qconsole jobs cancel later-1 >/dev/null
expect cancelled "$(qconsole jobs show later-1 -o json | field state)" cancelled
qconsole jobs remove later-2 >/dev/null
fails removed 3 qconsole jobs show later-2
qconsole trash restore later-2 >/dev/null
expect restored "$(qconsole jobs show later-2 -o json | field state)" delayed

say "remove many, and undo"
operation=$(qconsole jobs remove --filter state:delayed --yes -o json 2>/dev/null | field id)
expect gone "$(qconsole queues show arq:queue -o json | field counts.delayed)" 0
expect undone "$(qconsole operations undo "$operation" -o json | field done)" 18

say "what needs our runtime is said, not failed: lists are empty and say why, changes are refused with exit 4"
says "Only plain arq uses this Redis" qconsole dlq groups
says "Only plain arq uses this Redis" qconsole schedules list
fails pause 4 qconsole queues pause arq:queue
grep -q "queue arq:queue cannot be paused: only plain arq uses it" err.txt
fails limit 4 qconsole queues limit arq:queue --concurrency 3
grep -q "qconsole worker" err.txt

say "the audit has it all"
qconsole audit list -o json >audit.json
python - <<'PY'
import json

rows = json.load(open("audit.json"))["items"]
actions = {row["action"] for row in rows}
assert {"jobs.retry", "jobs.promote", "jobs.cancel", "jobs.remove", "trash.restore", "operations.undo"} <= actions, actions
assert any(row["reason"] == "host is back" and row["done"] == row["matched"] > 1 for row in rows), rows
PY
say "done"
