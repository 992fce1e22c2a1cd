"""HTTP to messages and back: routes, schemas, authentication, idempotency, the event stream."""
