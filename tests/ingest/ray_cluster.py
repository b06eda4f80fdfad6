"""A Ray cluster on this machine, of two nodes, one of them the head.

Run as a program: prints its address, and ends when its standard input does.
"""

from __future__ import annotations

import os
import sys
import tempfile

_OBJECTS_BYTES = 80 << 20  # the least that Ray takes
_CORES = 3  # of which an actor takes two, so that no node has both


def main() -> None:
    os.environ.update(
        RAY_USAGE_STATS_ENABLED="0",
        RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
        RAY_prestart_worker_first_driver="0",  # workers that are needed are started anyway
        RAY_worker_niceness="0",
    )
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        node = {"num_cpus": _CORES, "object_store_memory": _OBJECTS_BYTES}
        head = {**node, "include_dashboard": False, "temp_dir": folder}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        cluster.add_node(**node)
        print(cluster.address, flush=True)
        sys.stdin.read()
        cluster.shutdown()


if __name__ == "__main__":
    main()
