"""The Redis client of the message queue: nobody waits for it longer than a moment."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from infra.settings import Settings

ANSWER_S_MAX = 1.0
AWAY = (redis.RedisError, OSError)


def client(settings: Settings) -> redis.Redis:
    """Each command is tried twice: a server that was started again has broken the connections to it."""
    return redis.Redis.from_url(
        settings.redis_url or "",
        socket_timeout=ANSWER_S_MAX,
        socket_connect_timeout=ANSWER_S_MAX,
        retry=Retry(NoBackoff(), 1),
    )
