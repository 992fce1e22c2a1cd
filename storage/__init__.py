"""PostgreSQL, Redis, their in-memory twin, the migrations and the embedded servers."""
