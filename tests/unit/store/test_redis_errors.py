"""What Redis' errors mean, of those that the Redis of the tests does not make."""

from __future__ import annotations

from redis.exceptions import ResponseError

from watchman_cli.store.redis_errors import describe


def test_a_redis_that_is_too_old_for_changes() -> None:
    """As Redis 6.0 answers to XTRIM with MINID, in a transaction."""
    error = ResponseError(
        "Command # 4 (XTRIM {o/r/status}/changes MINID 1) of pipeline caused error: syntax error"
    )
    message, passes = describe(error, "", follows_master=False)
    assert ("older than Redis 6.2" in message, passes) == (True, False)
