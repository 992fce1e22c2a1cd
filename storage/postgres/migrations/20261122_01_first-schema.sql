-- Everything that a purchase needs: entities, ledger, events, audit, idempotency, the instance.
-- depends:

-- migrate: apply

-- The one row that every commit locks first: the ends of the sequences, and who may write.
-- `event_moment` is the latest `occurred_at` of all events; `sums` is the platform's own money.
CREATE TABLE counters (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch bigint NOT NULL DEFAULT 0,
    event_sequence bigint NOT NULL DEFAULT 0,
    event_moment timestamptz,
    transfer_sequence bigint NOT NULL DEFAULT 0,
    audit_sequence bigint NOT NULL DEFAULT 0,
    audit_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    sums text NOT NULL DEFAULT '{}'
) WITH (fillfactor = 10);
INSERT INTO counters DEFAULT VALUES;

-- One row an opened storage: which of its groups was committed last. Tells what an unknown COMMIT did.
CREATE TABLE writers (
    id bytea PRIMARY KEY,
    epoch bigint NOT NULL,
    last_group bigint NOT NULL DEFAULT 0,
    opened_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 10);

-- Entities: `doc` is the whole of it, the other columns are what queries need; amounts are in
-- stroops. `sequence` is the order of creation, by which lists are paged. `due_at` is the moment at which the
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
    amount bigint NOT NULL,
    in_flight boolean NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    doc text NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX orders_due ON orders (due_at, id COLLATE "C") WHERE due_at IS NOT NULL;
-- Lists are newest first, and every one has an index in that order. Of the states only the open ones
-- have one: nearly all orders are closed, and those are found in the order of their creation.
CREATE INDEX orders_by_age ON orders (created_at, sequence);
CREATE INDEX orders_open ON orders (status, created_at, sequence) WHERE status <> 'CLOSED';
CREATE INDEX orders_by_buyer ON orders (buyer_id, created_at, sequence);
CREATE INDEX orders_by_seller ON orders (seller_id, created_at, sequence);
CREATE INDEX orders_by_contract ON orders (contract_id) WHERE contract_id IS NOT NULL;
CREATE INDEX orders_in_flight ON orders (sequence) WHERE in_flight;
CREATE INDEX orders_holding ON orders (sequence)
    WHERE contract_id IS NOT NULL AND status <> 'CLOSED';

-- An order has at most one, and carries it whole in its own `doc`: these rows are for lists.
CREATE TABLE disputes (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT disputes_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    order_id text NOT NULL CONSTRAINT disputes_order_id_key UNIQUE,
    status text NOT NULL,
    opened_by text NOT NULL,
    doc text NOT NULL
);
-- Nearly all disputes are resolved, and half of them were opened by either side: those are found in
-- the order of their creation.
CREATE INDEX disputes_open ON disputes (status, sequence) WHERE status <> 'RESOLVED';

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
    key_version text NOT NULL,
    doc text NOT NULL
);
-- Whose seeds are still sealed under another key than the present one.
CREATE INDEX wallets_by_key ON wallets (key_version, sequence);
CREATE INDEX wallets_activating ON wallets (sequence) WHERE role = 'user' AND status = 'ACTIVATING';
-- In the order in which the network lists accounts.
CREATE INDEX wallets_active ON wallets (public_key COLLATE "C")
    WHERE role = 'user' AND status = 'ACTIVE';
CREATE INDEX wallets_of_platform ON wallets (sequence) WHERE role <> 'user';

CREATE TABLE chain_operations (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT chain_operations_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    subject text NOT NULL,
    subject_id text NOT NULL,
    source text NOT NULL,
    is_open boolean NOT NULL,
    due_at timestamptz,
    tx_hash text,
    doc text NOT NULL
);
-- A lane's own, signed ones first; then all, oldest first; then those that pause.
CREATE INDEX chain_operations_of_lane ON chain_operations (source, (tx_hash IS NULL), sequence)
    WHERE is_open;
CREATE INDEX chain_operations_open ON chain_operations (sequence) WHERE is_open;
CREATE INDEX chain_operations_due ON chain_operations (due_at, id COLLATE "C")
    WHERE due_at IS NOT NULL;
CREATE INDEX chain_operations_by_hash ON chain_operations (tx_hash) WHERE tx_hash IS NOT NULL;
CREATE INDEX chain_operations_by_subject ON chain_operations (subject_id, sequence);

-- Signed envelopes of operations that have ended: nobody sends them again, and they would be the
-- larger part of every operation's document.
CREATE TABLE envelopes (
    tx_hash text PRIMARY KEY,
    operation_id text NOT NULL,
    envelope text NOT NULL
);

CREATE TABLE withdrawals (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT withdrawals_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    user_id text NOT NULL,
    status text NOT NULL,
    amount bigint NOT NULL,
    in_flight boolean NOT NULL,
    doc text NOT NULL
);
CREATE INDEX withdrawals_by_user ON withdrawals (user_id, sequence);
CREATE INDEX withdrawals_in_flight ON withdrawals (sequence) WHERE in_flight;
CREATE INDEX withdrawals_open ON withdrawals (user_id) WHERE status NOT IN
    ('WITHDRAWAL_COMPLETED', 'WITHDRAWAL_FAILED', 'WITHDRAWAL_CANCELED');

-- An open hold is found by its user's label for it, which a hold that is used up gives free.
CREATE TABLE holds (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT holds_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    user_id text NOT NULL,
    reference text NOT NULL,
    remaining bigint NOT NULL CHECK (remaining >= 0),
    doc text NOT NULL
);
CREATE UNIQUE INDEX holds_open_key ON holds (user_id, reference) WHERE remaining > 0;

-- One row a user whose due was ever settled: what is in flight, of which operation.
CREATE TABLE settlements (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT settlements_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    amount bigint NOT NULL,
    in_flight boolean NOT NULL,
    not_before timestamptz,
    doc text NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX settlements_in_flight ON settlements (sequence) WHERE in_flight;

-- Credits and debits by hand. Their references are kept for good: each moves money once.
CREATE TABLE manual_changes (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT manual_changes_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    user_id text NOT NULL,
    kind text NOT NULL,
    reference text,
    doc text NOT NULL,
    CONSTRAINT manual_changes_reference_key UNIQUE (user_id, kind, reference)
);

CREATE TABLE api_keys (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT api_keys_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    digest bytea NOT NULL CONSTRAINT api_keys_digest_key UNIQUE,
    due_at timestamptz,
    doc text NOT NULL
);
CREATE INDEX api_keys_due ON api_keys (due_at, id COLLATE "C") WHERE due_at IS NOT NULL;

-- Written now and then for all keys together.
CREATE TABLE api_key_uses (
    api_key_id text PRIMARY KEY,
    last_used_at timestamptz NOT NULL
) WITH (fillfactor = 50);

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

-- Webhooks that came in, until some weeks after they were worked on: a repeat is known by its event.
CREATE TABLE webhooks (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT webhooks_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    ended_at timestamptz,
    due_at timestamptz,
    doc text NOT NULL,
    CONSTRAINT webhooks_event_key UNIQUE (source, event_id)
);
CREATE INDEX webhooks_due ON webhooks (due_at, id COLLATE "C") WHERE due_at IS NOT NULL;
CREATE INDEX webhooks_by_end ON webhooks (ended_at) WHERE ended_at IS NOT NULL;

-- The projection of available, reserved and due; the row comes with its user. `due` is what the
-- treasury owes the user's wallet, below zero what the wallet owes.
CREATE TABLE balances (
    user_id text PRIMARY KEY REFERENCES users (id),
    available bigint NOT NULL CHECK (available >= 0),
    reserved bigint NOT NULL CHECK (reserved >= 0),
    due bigint NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX balances_due ON balances (due, user_id) WHERE due <> 0;

-- History: the tables that only grow. Each is partitioned by its sequence, so that what is old can
-- be exported and detached (docs/operations.md, "History"). There is no default partition: it would
-- have to be searched whenever one is attached. What must never repeat, and the cursors that point
-- at what is detached, stand in small tables that keep it for ever.

-- The ledger, in stroops.
CREATE TABLE transfers (
    sequence bigint PRIMARY KEY,
    id text NOT NULL,
    kind text NOT NULL,
    reference text NOT NULL,
    cause text NOT NULL,
    dedupe text,
    correlation_id text,
    created_at timestamptz NOT NULL
) PARTITION BY RANGE (sequence);
CREATE INDEX transfers_by_reference ON transfers (reference);

CREATE TABLE transfer_ids (
    id text CONSTRAINT transfers_id_key PRIMARY KEY,
    sequence bigint NOT NULL
);

CREATE TABLE transfer_dedupe (
    key text CONSTRAINT transfers_dedupe_key PRIMARY KEY
);

CREATE TABLE postings (
    transfer_sequence bigint NOT NULL,
    place smallint NOT NULL,
    account text NOT NULL,
    user_id text,
    amount bigint NOT NULL,
    PRIMARY KEY (transfer_sequence, place)
) PARTITION BY RANGE (transfer_sequence);
CREATE INDEX postings_by_user ON postings (user_id, transfer_sequence) WHERE user_id IS NOT NULL;

CREATE TABLE holdings (
    transfer_sequence bigint NOT NULL,
    place smallint NOT NULL,
    holding text NOT NULL,
    amount bigint NOT NULL,
    reference text,
    PRIMARY KEY (transfer_sequence, place)
) PARTITION BY RANGE (transfer_sequence);

-- `moment` is the latest `occurred_at` up to this event. It never falls with the sequence, so the
-- first event later than a moment is the first whose `moment` is.
CREATE TABLE events (
    sequence bigint PRIMARY KEY,
    id text NOT NULL,
    type text NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    order_id text,
    occurred_at timestamptz NOT NULL,
    moment timestamptz NOT NULL,
    body text NOT NULL
) PARTITION BY RANGE (sequence);
CREATE INDEX events_by_order ON events (order_id, sequence) WHERE order_id IS NOT NULL;
CREATE INDEX events_by_moment ON events (moment, sequence);

CREATE TABLE event_ids (
    id text CONSTRAINT events_id_key PRIMARY KEY,
    sequence bigint NOT NULL
);

-- `canonical` is text of exactly the bytes that were hashed: sha256(previous_hash || canonical).
-- An entry's identity is its sequence, which is hashed with it; its id only marks a place in the list.
-- The other columns repeat what the list is filtered by: what counts is the text that was hashed.
CREATE TABLE audit (
    sequence bigint PRIMARY KEY,
    id text NOT NULL,
    at timestamptz NOT NULL,
    action text NOT NULL,
    resource_type text NOT NULL,
    resource_id text NOT NULL,
    user_id text,
    canonical text NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL
) PARTITION BY RANGE (sequence);
CREATE INDEX audit_by_id ON audit (id);
CREATE INDEX audit_by_moment ON audit (at, sequence);
CREATE INDEX audit_by_action ON audit (action, at, sequence);
CREATE INDEX audit_by_type ON audit (resource_type, at, sequence);
CREATE INDEX audit_by_resource ON audit (resource_id, at, sequence);
CREATE INDEX audit_by_user ON audit (user_id, at, sequence) WHERE user_id IS NOT NULL;

-- The partitions that are attached, with the sequences that each takes: from `first` to before
-- `past`. `detaching`: a concurrent detaching of it was interrupted.
CREATE VIEW partitions AS
SELECT parent.relname::text AS parent, child.relname::text AS name,
    (regexp_match(bound, 'FROM \(''(\d+)''\)'))[1]::bigint AS first,
    (regexp_match(bound, 'TO \(''(\d+)''\)'))[1]::bigint AS past,
    inherited.inhdetachpending AS detaching
FROM pg_inherits AS inherited
JOIN pg_class AS parent ON parent.oid = inherited.inhparent AND parent.relkind = 'p'
JOIN pg_class AS child ON child.oid = inherited.inhrelid
CROSS JOIN LATERAL pg_get_expr(child.relpartbound, child.oid) AS bound
WHERE parent.relnamespace = 'public'::regnamespace;

-- Checkpoints say how far history is detached; it counts as detached from the checkpoint's commit on,
-- and its partitions follow. Sums and owners are written before the checkpoint that they belong to,
-- and count only once it is there.
CREATE TABLE checkpoints (
    number integer PRIMARY KEY,
    at timestamptz NOT NULL,
    event_sequence bigint NOT NULL,
    event_moment timestamptz,
    transfer_sequence bigint NOT NULL,
    audit_sequence bigint NOT NULL,
    audit_moment timestamptz,
    audit_hash bytea NOT NULL,
    manifest bytea NOT NULL
);

-- What accounts and holdings sum up to at the last checkpoint; earlier ones are in the exports.
CREATE TABLE checkpoint_sums (
    checkpoint integer NOT NULL,
    side text NOT NULL,
    name text NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (checkpoint, side, name)
);

-- Orders of whose events, and users of whose postings, some are detached.
CREATE TABLE detached_owners (
    id text PRIMARY KEY,
    checkpoint integer NOT NULL
);

CREATE VIEW detached AS
SELECT coalesce(max(number), 0) AS checkpoint, coalesce(max(event_sequence), 0) AS event_sequence,
    max(event_moment) AS event_moment, coalesce(max(transfer_sequence), 0) AS transfer_sequence,
    coalesce(max(audit_sequence), 0) AS audit_sequence, max(audit_moment) AS audit_moment
FROM checkpoints;

-- Make partitions of `size` sequences behind the last one of a table, until there are `ahead`
-- sequences of room behind `reached`. Whoever commits meanwhile does not wait: attaching a table
-- takes no lock that an INSERT minds, and a new table is empty, so there is nothing to check.
CREATE FUNCTION attach_partitions(parent text, reached bigint, ahead bigint, size bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    first bigint;
    name text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('offerhub.partitions'));
    LOOP
        SELECT coalesce(max(p.past), 1) INTO first FROM partitions AS p
            WHERE p.parent = attach_partitions.parent;
        EXIT WHEN first - 1 >= reached + ahead;
        name := format('%s_from_%s', parent, lpad(first::text, 12, '0'));
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', name, parent);
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
        IF parent = 'postings' THEN
            EXECUTE format('CREATE TRIGGER balanced AFTER INSERT ON %I REFERENCING NEW TABLE AS '
                'added FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced()', name);
        END IF;
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
            parent, name, first, first + size);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

CREATE TABLE idempotency (
    key text PRIMARY KEY,
    fingerprint text NOT NULL,
    state text NOT NULL,
    created_at timestamptz NOT NULL,
    resource_type text,
    resource_id text,
    answer bytea
) WITH (fillfactor = 80);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE cursors (
    name text PRIMARY KEY,
    value text NOT NULL
) WITH (fillfactor = 10);

-- Records and money that no rule explains; what is open waits for an operator. The sum of a user's
-- open amounts is the user's suspense.
CREATE TABLE parked (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT parked_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    user_id text,
    amount bigint,
    is_open boolean NOT NULL,
    doc text NOT NULL
);
CREATE INDEX parked_open ON parked (sequence) WHERE is_open;
CREATE INDEX parked_money ON parked (user_id) WHERE is_open AND user_id IS NOT NULL;

CREATE TABLE settings (
    name text PRIMARY KEY,
    value text NOT NULL
);

-- What operators ask of the running process by the command line; it listens to the notice.
CREATE TABLE operator_commands (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT operator_commands_sequence_key UNIQUE,
    id text PRIMARY KEY,
    version integer NOT NULL,
    ended_at timestamptz,
    doc text NOT NULL
);
CREATE INDEX operator_commands_open ON operator_commands (sequence) WHERE ended_at IS NULL;
CREATE INDEX operator_commands_ended ON operator_commands (ended_at) WHERE ended_at IS NOT NULL;

CREATE FUNCTION notify_of_command() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY offerhub_commands;
    RETURN NULL;
END
$$;
CREATE TRIGGER noticed AFTER INSERT ON operator_commands
    FOR EACH STATEMENT EXECUTE FUNCTION notify_of_command();

-- The locks of a commit, in one round trip: the counters first, whose row comes first, then the
-- balances in the order of their users. Each statement of the function sees what the lock before
-- has waited for.
-- `counters_at` and `writer_at` are the places of both rows as the commit before left them. While an
-- old snapshot is held anywhere, no version that a commit leaves behind can be cleared away, and to
-- search for the row means to pass all of them: so a row is searched for only where it is not at its
-- place any more.
CREATE FUNCTION lock_for_commit(users text[], writer bytea, counters_at tid, writer_at tid)
RETURNS TABLE (
    counters_place tid, writer_place tid, epoch bigint, event_sequence bigint,
    event_moment timestamptz, transfer_sequence bigint, audit_sequence bigint, audit_hash bytea,
    sums text, user_id text, available bigint, reserved bigint, due bigint, updated_at timestamptz
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    ends record;
    own_at tid;
BEGIN
    SELECT c.ctid AS place, c.* INTO ends FROM counters AS c WHERE c.ctid = counters_at FOR UPDATE;
    IF NOT FOUND THEN
        SELECT c.ctid AS place, c.* INTO ends FROM counters AS c FOR UPDATE;
    END IF;
    SELECT w.ctid INTO own_at FROM writers AS w WHERE w.ctid = writer_at AND w.id = writer;
    IF NOT FOUND THEN
        SELECT w.ctid INTO own_at FROM writers AS w WHERE w.id = writer;
    END IF;
    RETURN QUERY SELECT ends.place, own_at, ends.epoch, ends.event_sequence, ends.event_moment,
        ends.transfer_sequence, ends.audit_sequence, ends.audit_hash, ends.sums,
        NULL::text, NULL::bigint, NULL::bigint, NULL::bigint, NULL::timestamptz;
    RETURN QUERY SELECT NULL::tid, NULL::tid, NULL::bigint, NULL::bigint, NULL::timestamptz,
        NULL::bigint, NULL::bigint, NULL::bytea, NULL::text,
        b.user_id, b.available, b.reserved, b.due, b.updated_at
        FROM balances AS b WHERE b.user_id = ANY (users) ORDER BY b.user_id FOR UPDATE;
END
$$;

-- What has been told stays told. Partitions get the same triggers: a table's own say nothing of a
-- statement on one of its partitions.
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

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoints
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
DROP VIEW detached, partitions;
DROP TABLE operator_commands, settings, parked, cursors, idempotency, audit, detached_owners,
    checkpoint_sums, checkpoints, event_ids, events, holdings, postings,
    manual_changes,
    transfer_dedupe, transfer_ids, transfers, balances, webhooks, api_tokens, api_key_uses, api_keys, settlements, holds, withdrawals, envelopes, chain_operations, wallets, users, disputes, orders, writers,
    counters;
DROP FUNCTION attach_partitions, lock_for_commit, notify_of_command, refuse_change,
    refuse_unbalanced;
