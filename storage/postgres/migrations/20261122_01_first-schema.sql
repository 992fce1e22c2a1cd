-- Everything that a purchase needs: entities, ledger, events, audit, idempotency, the instance.
-- depends:

-- migrate: apply

-- The one row that every commit locks first: the ends of the sequences, and who may write.
CREATE TABLE counters (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch bigint NOT NULL DEFAULT 0,
    event_sequence bigint NOT NULL DEFAULT 0,
    transfer_sequence bigint NOT NULL DEFAULT 0,
    audit_sequence bigint NOT NULL DEFAULT 0,
    audit_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex')
) WITH (fillfactor = 10);
INSERT INTO counters DEFAULT VALUES;

-- One row an opened storage: which of its groups was committed last. Tells what an unknown COMMIT did.
CREATE TABLE writers (
    id bytea PRIMARY KEY,
    epoch bigint NOT NULL,
    last_group bigint NOT NULL DEFAULT 0,
    opened_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 10);

-- Entities: `doc` is the whole of it, the other columns are what queries need.
-- `sequence` is the order of creation, by which lists are paged. `due_at` is the moment at which the
-- timer wakes the entity's owner; no index of it is touched by a change that leaves it as it was.
CREATE TABLE orders (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT orders_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    status text NOT NULL,
    buyer_id text NOT NULL,
    seller_id text NOT NULL,
    client_order_ref text CONSTRAINT orders_client_order_ref_key UNIQUE,
    contract_id text,
    on_the_way boolean NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    doc text NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX orders_due ON orders (due_at, id COLLATE "C") WHERE due_at IS NOT NULL;
-- No index holds `status`: it changes with every step, and each step would rewrite every index.
CREATE INDEX orders_by_buyer ON orders (buyer_id, sequence);
CREATE INDEX orders_by_seller ON orders (seller_id, sequence);
CREATE INDEX orders_by_contract ON orders (contract_id) WHERE contract_id IS NOT NULL;
CREATE INDEX orders_on_the_way ON orders (sequence) WHERE on_the_way;

CREATE TABLE users (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT users_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    external_user_id text NOT NULL CONSTRAINT users_external_user_id_key UNIQUE,
    email text,
    doc text NOT NULL
);
CREATE INDEX users_by_email ON users (email, sequence) WHERE email IS NOT NULL;

CREATE TABLE wallets (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT wallets_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    user_id text NOT NULL,
    role text NOT NULL,
    status text NOT NULL,
    public_key text NOT NULL CONSTRAINT wallets_public_key_key UNIQUE,
    doc text NOT NULL
);
CREATE INDEX wallets_activating ON wallets (sequence) WHERE role = 'user' AND status = 'ACTIVATING';
CREATE INDEX wallets_of_platform ON wallets (sequence) WHERE role <> 'user';

CREATE TABLE chain_operations (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT chain_operations_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    subject text NOT NULL,
    subject_id text NOT NULL,
    source text NOT NULL,
    is_open boolean NOT NULL,
    not_before timestamptz,
    tx_hash text,
    doc text NOT NULL
);
CREATE INDEX chain_operations_open ON chain_operations (source, sequence) WHERE is_open;
CREATE INDEX chain_operations_by_hash ON chain_operations (tx_hash) WHERE tx_hash IS NOT NULL;
CREATE INDEX chain_operations_by_subject ON chain_operations (subject_id, sequence);

CREATE TABLE withdrawals (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT withdrawals_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    user_id text NOT NULL,
    status text NOT NULL,
    on_the_way boolean NOT NULL,
    doc text NOT NULL
);
CREATE INDEX withdrawals_by_user ON withdrawals (user_id, sequence);
CREATE INDEX withdrawals_on_the_way ON withdrawals (sequence) WHERE on_the_way;

CREATE TABLE api_keys (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT api_keys_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    digest bytea NOT NULL CONSTRAINT api_keys_digest_key UNIQUE,
    due_at timestamptz,
    doc text NOT NULL
);
CREATE INDEX api_keys_due ON api_keys (due_at, id COLLATE "C") WHERE due_at IS NOT NULL;

CREATE TABLE api_tokens (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT api_tokens_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    digest bytea NOT NULL CONSTRAINT api_tokens_digest_key UNIQUE,
    api_key_id text NOT NULL,
    expires_at timestamptz NOT NULL,
    doc text NOT NULL
);
CREATE INDEX api_tokens_by_key ON api_tokens (api_key_id);
CREATE INDEX api_tokens_by_end ON api_tokens (expires_at);

-- The projection of available and reserved; the row comes with its user.
CREATE TABLE balances (
    user_id text PRIMARY KEY REFERENCES users (id),
    available bigint NOT NULL CHECK (available >= 0),
    reserved bigint NOT NULL CHECK (reserved >= 0),
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- The ledger, in stroops.
CREATE TABLE transfers (
    sequence bigint PRIMARY KEY,
    id text NOT NULL CONSTRAINT transfers_id_key UNIQUE,
    kind text NOT NULL,
    reference text NOT NULL,
    cause text NOT NULL,
    dedupe text,
    correlation_id text,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX transfers_dedupe_key ON transfers (dedupe) WHERE dedupe IS NOT NULL;
CREATE INDEX transfers_by_reference ON transfers (reference);

CREATE TABLE postings (
    transfer_sequence bigint NOT NULL,
    place smallint NOT NULL,
    account text NOT NULL,
    user_id text,
    amount bigint NOT NULL,
    PRIMARY KEY (transfer_sequence, place)
);
CREATE INDEX postings_by_user ON postings (user_id, transfer_sequence) WHERE user_id IS NOT NULL;

CREATE TABLE holdings (
    transfer_sequence bigint NOT NULL,
    place smallint NOT NULL,
    holding text NOT NULL,
    amount bigint NOT NULL,
    reference text,
    PRIMARY KEY (transfer_sequence, place)
);

CREATE TABLE events (
    sequence bigint PRIMARY KEY,
    id text NOT NULL CONSTRAINT events_id_key UNIQUE,
    type text NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    order_id text,
    occurred_at timestamptz NOT NULL,
    body text NOT NULL
);
CREATE INDEX events_by_order ON events (order_id, sequence) WHERE order_id IS NOT NULL;
CREATE INDEX events_by_moment ON events (occurred_at, sequence);

-- `canonical` is text of exactly the bytes that were hashed: sha256(previous_hash || canonical).
CREATE TABLE audit (
    sequence bigint PRIMARY KEY,
    id text NOT NULL CONSTRAINT audit_id_key UNIQUE,
    canonical text NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL
);

CREATE TABLE idempotency (
    key text PRIMARY KEY,
    fingerprint text NOT NULL,
    state text NOT NULL,
    created_at timestamptz NOT NULL,
    first boolean NOT NULL,
    resource_type text,
    resource_id text,
    status integer,
    body bytea
) WITH (fillfactor = 80);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE cursors (
    name text PRIMARY KEY,
    value text NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE parked (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT parked_sequence_key UNIQUE,
    id text PRIMARY KEY,
    source text NOT NULL,
    reference text NOT NULL,
    reason text NOT NULL,
    parked_at timestamptz NOT NULL,
    body text NOT NULL
);

CREATE TABLE settings (
    name text PRIMARY KEY,
    value text NOT NULL
);

-- The locks of a commit, in one round trip: the counters first, whose row comes first, then the
-- balances in the order of their users. Each statement of the function sees what the lock before
-- has waited for.
CREATE FUNCTION lock_for_commit(users text[]) RETURNS TABLE (
    epoch bigint, event_sequence bigint, transfer_sequence bigint, audit_sequence bigint,
    audit_hash bytea, user_id text, available bigint, reserved bigint, updated_at timestamptz
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT c.epoch, c.event_sequence, c.transfer_sequence, c.audit_sequence,
        c.audit_hash, NULL::text, NULL::bigint, NULL::bigint, NULL::timestamptz
        FROM counters AS c FOR UPDATE;
    RETURN QUERY SELECT NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bytea,
        b.user_id, b.available, b.reserved, b.updated_at
        FROM balances AS b WHERE b.user_id = ANY (users) ORDER BY b.user_id FOR UPDATE;
END
$$;

-- What has been told stays told.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON postings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON holdings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Postings of a transfer come in one statement, and sum to zero.
CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added GROUP BY transfer_sequence HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'the postings of a transfer do not sum to zero'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_balanced';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER balanced AFTER INSERT ON postings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced();

-- migrate: rollback
DROP TABLE settings, parked, cursors, idempotency, audit, events, holdings, postings, transfers,
    balances, api_tokens, api_keys, withdrawals, chain_operations, wallets, users, orders, writers,
    counters;
DROP FUNCTION lock_for_commit, refuse_change, refuse_unbalanced;
