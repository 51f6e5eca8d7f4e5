//! Against a real Redis, named by `TEST_REDIS_URL`.
