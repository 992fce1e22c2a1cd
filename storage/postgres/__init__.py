"""PostgreSQL through asyncpg: the pool, the migrations and the queries."""
