"""Rows of Redis: the store cannot be reached, refuses, or fails in mid-run."""

from __future__ import annotations

import signal
from dataclasses import replace

from tests.faults.arrangements import redis
from tests.faults.arrangements.servers import signalled
from tests.faults.case import FaultCase

NOT_READ = "every snapshot stays as it is, and no server is asked"
REDIS_ROWS = tuple(
    replace(row, side="Redis")
    for row in (
        FaultCase(
            "refused",
            "Nothing listens at Redis's port",
            lambda run: run.redis.kill(),
            "cannot be reached: Connection refused",
            f"retried until the deadline; {NOT_READ}",
            code=3,
            good=False,
            deadline=2,
        ),
        FaultCase(
            "hangs",
            "Redis accepts and hangs",
            lambda run: signalled(run.redis, signal.SIGSTOP),
            "no answer in N s",
            f"retried until the deadline; each try waits a quarter of it, 5 s at most; {NOT_READ}",
            code=3,
            good=False,
            deadline=2,
        ),
        FaultCase(
            "wrong password",
            "Redis refuses the user or the password",
            redis.wrong_redis_password,
            "refused the user or password",
            f"not retried; {NOT_READ}",
            code=3,
            good=False,
        ),
        FaultCase(
            "forbidden key",
            "Redis's ACL forbids the keys of one server",
            redis.forbidden_key,
            "the user lacks a permission",
            "not retried; the others are written",
            code=3,
            lost=1,
        ),
        FaultCase(
            "forbidden changes",
            "`changes: true`, and Redis's ACL does not permit what it needs",
            redis.forbidden_changes,
            "the user lacks a permission",
            "not retried; the snapshot stays as it is, and the others are written",
            code=3,
            lost=1,
        ),
        FaultCase(
            "replica",
            "Redis is a read-only replica",
            redis.replica,
            "it is a read-only replica; it was not read",
            "not retried; no server is asked",
            code=3,
            good=False,
            lost=2,
        ),
        FaultCase(
            "out of memory",
            "Redis is full (`maxmemory`), and evicts nothing",
            lambda run: run.redis.client.config_set("maxmemory", 1),
            "it is out of memory (maxmemory); it was not read",
            "not retried; every snapshot stays as it is",
            code=3,
            good=False,
            lost=2,
        ),
        FaultCase(
            "restarted",
            "Redis is restarted during the run",
            lambda run: redis.in_mid_run(run, redis.restart),
            "",
            "retried, and written",
            code=0,
        ),
        FaultCase(
            "restarted from older data",
            "Redis is restarted during the run from an older RDB, or a replica that lags takes over",
            redis.restart_from_older_data,
            "lost the snapshot of",
            "written, with a warning",
            code=0,
            where="warning",
            deadline=8,
        ),
        FaultCase(
            "restarted without data",
            "Redis is restarted during the run, and has lost everything",
            lambda run: redis.in_mid_run(run, redis.restart_without_data),
            "lost the snapshot of",
            "written, with a warning",
            code=0,
            where="warning",
            deadline=8,
        ),
        FaultCase(
            "killed",
            "Redis is killed during the run, and does not come back",
            lambda run: redis.in_mid_run(run, lambda server: server.kill()),
            "its snapshot was read, and is lost",
            "retried until the deadline; the last line says how many snapshots were lost",
            code=3,
            good=False,
            lost=2,
            deadline=2,
        ),
        FaultCase(
            "hangs later",
            "Redis hangs during the run, and does not come back",
            lambda run: redis.in_mid_run(run, lambda server: signalled(server, signal.SIGSTOP)),
            "its snapshot was read, and is lost",
            "retried until the deadline; the last line says how many snapshots were lost. If Redis goes on"
            " before the lock expires, it may still write what it had received, all of it",
            code=3,
            good=False,
            lost=2,
            deadline=2,
            resumes=True,
        ),
        FaultCase(
            "large writes are cut",
            "Redis or a proxy closes the connection at each large write (`proto-max-bulk-len`)",
            redis.large_writes_are_cut,
            "its snapshot was read, and is lost",
            "retried until the deadline; never reported as `skipped`",
            code=3,
            lost=1,
            deadline=3,
        ),
        FaultCase(
            "loads",
            "Redis is loading its data set",
            lambda run: redis.loading(run, 1),
            "",
            "retried, and written if loading ends within the deadline",
            code=0,
            deadline=10,
        ),
        FaultCase(
            "loads for long",
            "Redis is loading its data set, for longer than the deadline",
            lambda run: redis.loading(run, 10),
            "still loading its data set",
            f"retried until the deadline; {NOT_READ}",
            code=3,
            good=False,
            deadline=2,
        ),
    )
)
