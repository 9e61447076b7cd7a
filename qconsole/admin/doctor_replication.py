"""What is risky about replicas, sentinels and cluster nodes: would a failover work, and what would it lose."""

from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from qconsole.admin.views import Finding

Answers = dict[tuple[str, int], dict[str, Any] | Exception]
LAG_WARN_S: Final = 10
BEHIND_WARN_BYTES: Final = 16 * 2**20
SLOTS: Final = 16384


async def replica_findings(client: Redis, info: dict[str, Any], who: str, *, expected: int) -> list[Finding]:
    """Return findings about the replicas of one primary.

    Args:
        info: the primary's INFO.
        who: how to name the primary.
        expected: how many there should be: those that the sentinels know, one in a cluster, 0 on a single Redis.
    """
    count = int(info.get("connected_slaves", 0))
    findings = []
    for number in range(count):
        replica = info.get(f"slave{number}")
        if isinstance(replica, dict):
            findings += _replica(replica, int(info.get("master_repl_offset", 0)))
    if expected and not count:
        text = f"No replica follows {who}: when it fails, its queues stand still until it is back."
        findings.append(Finding("no_replica", "warn", text, "Start its replicas; see their logs."))
    elif count < expected:
        text = f"{expected - count} of the {expected} replicas that the sentinels know do not follow {who}."
        mend = "Start them again; one that is gone for good is forgotten with SENTINEL RESET on each sentinel."
        findings.append(Finding("replica_missing", "warn", text, mend))
    return findings + await _refused_writes(client, info, who)


def _replica(replica: dict[str, Any], offset: int) -> list[Finding]:
    name = f"{replica.get('ip')}:{replica.get('port')}"
    mend = "Check its network, load and log before a failover."
    if replica.get("state") != "online":
        text = f"Replica {name} is not ready ({replica.get('state')}): it is being filled."
        return [Finding("replica_lag", "warn", text, mend)]
    lag_s, behind = int(replica.get("lag", 0)), offset - int(replica.get("offset", offset))
    if lag_s <= LAG_WARN_S and behind < BEHIND_WARN_BYTES:
        return []
    text = f"Replica {name} has confirmed nothing for {lag_s} s and is {behind:,} bytes behind: a failover loses that."
    return [Finding("replica_lag", "warn", text, mend)]


async def _refused_writes(client: Redis, info: dict[str, Any], who: str) -> list[Finding]:
    if "min_slaves_good_slaves" not in info:
        return []
    good = int(info["min_slaves_good_slaves"])
    try:
        needed = int((await client.config_get("min-replicas-to-write")).get("min-replicas-to-write", 0))
    except ResponseError:  # a provider that hides CONFIG
        needed = 1
    if good >= needed:
        return []
    text = f"{who} refuses every write: {good} of the {needed} replicas that min-replicas-to-write asks for keep up."
    return [Finding("writes_refused", "bad", text, "Bring the replicas back, or lower min-replicas-to-write.")]


def replicas_known(answers: Answers) -> int:
    """Return how many replicas the sentinels know, those that are down too; 0 without sentinels."""
    return max((int(state.get("num-slaves", 0)) for state in answers.values() if isinstance(state, dict)), default=0)


def sentinel_findings(answers: Answers) -> list[Finding]:
    """Return findings about the sentinels of the URL by what each of them answered; none when it names none."""
    if not answers:
        return []
    states = {address: answer for address, answer in answers.items() if isinstance(answer, dict)}
    silent = ", ".join(f"{host}:{port}" for host, port in answers if (host, port) not in states)
    total = max([len(answers), *(int(state["num-other-sentinels"]) + 1 for state in states.values())])
    if not silent:
        return [Finding("sentinels", "ok", f"All {len(answers)} sentinels of the URL answer.", "")]
    able = len(states) > total // 2
    consequence = "the others can still agree on a failover" if able else "the others cannot agree on a failover"
    text = f"{len(answers) - len(states)} of {total} sentinels do not answer ({silent}); {consequence}."
    return [Finding("sentinels", "warn" if able else "bad", text, "Start them again.")]


async def cluster_findings(client: Redis) -> list[Finding]:
    """Return findings about the slots of a cluster."""
    said: dict[str, str] = await client.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
    served = int(said.get("cluster_slots_ok", 0))
    assigned = int(said.get("cluster_slots_assigned", 0))
    if said.get("cluster_state") == "ok" and served == SLOTS:
        return [Finding("cluster", "ok", "All slots of the cluster are served.", "")]
    if assigned < SLOTS:
        why = f"{SLOTS - assigned:,} of {SLOTS:,} slots belong to no node"
        mend = "Give them to a node: redis-cli --cluster fix HOST:PORT"
    else:
        why = f"the owner of {SLOTS - served:,} of {SLOTS:,} slots does not answer"
        mend = "Start the failed node or its replica again: redis-cli --cluster check HOST:PORT names it."
    scope = "it serves nothing" if said.get("cluster_state") != "ok" else "queues there stand still"
    return [Finding("cluster", "bad", f"The cluster is incomplete: {why}; {scope}.", mend)]
