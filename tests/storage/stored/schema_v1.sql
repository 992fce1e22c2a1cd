--
-- PostgreSQL database dump
--


-- Dumped from database version 18.6
-- Dumped by pg_dump version 18.6

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: attach_partitions(text, bigint, bigint, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.attach_partitions(parent text, reached bigint, ahead bigint, size bigint) RETURNS integer
    LANGUAGE plpgsql
    AS $$
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


--
-- Name: lock_for_commit(text[], bytea, tid, tid); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.lock_for_commit(users text[], writer bytea, counters_at tid, writer_at tid) RETURNS TABLE(counters_place tid, writer_place tid, epoch bigint, event_sequence bigint, event_moment timestamp with time zone, transfer_sequence bigint, audit_sequence bigint, audit_hash bytea, sums text, user_id text, available bigint, reserved bigint, due bigint, updated_at timestamp with time zone)
    LANGUAGE plpgsql
    AS $$
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


--
-- Name: notify_of_command(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.notify_of_command() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NOTIFY offerhub_commands;
    RETURN NULL;
END
$$;


--
-- Name: refuse_change(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;


--
-- Name: refuse_unbalanced(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_unbalanced() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM added GROUP BY transfer_sequence HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'the postings of a transfer do not sum to zero'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_balanced';
    END IF;
    RETURN NULL;
END
$$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: _pogo_migration; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public._pogo_migration (
    migration_hash character varying(64) NOT NULL,
    migration_id character varying(255),
    applied timestamp with time zone,
    schema_name character varying(64) NOT NULL
);


--
-- Name: _pogo_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public._pogo_version (
    version integer NOT NULL,
    installed timestamp with time zone
);


--
-- Name: api_key_uses; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.api_key_uses (
    api_key_id text NOT NULL,
    last_used_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');


--
-- Name: api_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.api_keys (
    sequence bigint NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    digest bytea NOT NULL,
    due_at timestamp with time zone,
    doc text NOT NULL
);


--
-- Name: api_keys_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.api_keys ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.api_keys_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: api_tokens; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.api_tokens (
    sequence bigint NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    digest bytea NOT NULL,
    api_key_id text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    doc text NOT NULL
);


--
-- Name: api_tokens_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.api_tokens ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.api_tokens_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: audit; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit (
    sequence bigint NOT NULL,
    id text NOT NULL,
    at timestamp with time zone NOT NULL,
    action text NOT NULL,
    resource_type text NOT NULL,
    resource_id text NOT NULL,
    user_id text,
    canonical text NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL
)
PARTITION BY RANGE (sequence);


--
-- Name: audit_from_000000000001; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_from_000000000001 (
    sequence bigint CONSTRAINT audit_sequence_not_null NOT NULL,
    id text CONSTRAINT audit_id_not_null NOT NULL,
    at timestamp with time zone CONSTRAINT audit_at_not_null NOT NULL,
    action text CONSTRAINT audit_action_not_null NOT NULL,
    resource_type text CONSTRAINT audit_resource_type_not_null NOT NULL,
    resource_id text CONSTRAINT audit_resource_id_not_null NOT NULL,
    user_id text,
    canonical text CONSTRAINT audit_canonical_not_null NOT NULL,
    previous_hash bytea CONSTRAINT audit_previous_hash_not_null NOT NULL,
    hash bytea CONSTRAINT audit_hash_not_null NOT NULL,
    CONSTRAINT audit_from_000000000001_sequence_check CHECK (((sequence IS NOT NULL) AND (sequence >= '1'::bigint) AND (sequence < '11'::bigint)))
);


--
-- Name: audit_from_000000000011; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_from_000000000011 (
    sequence bigint CONSTRAINT audit_sequence_not_null NOT NULL,
    id text CONSTRAINT audit_id_not_null NOT NULL,
    at timestamp with time zone CONSTRAINT audit_at_not_null NOT NULL,
    action text CONSTRAINT audit_action_not_null NOT NULL,
    resource_type text CONSTRAINT audit_resource_type_not_null NOT NULL,
    resource_id text CONSTRAINT audit_resource_id_not_null NOT NULL,
    user_id text,
    canonical text CONSTRAINT audit_canonical_not_null NOT NULL,
    previous_hash bytea CONSTRAINT audit_previous_hash_not_null NOT NULL,
    hash bytea CONSTRAINT audit_hash_not_null NOT NULL
);


--
-- Name: audit_from_000000000021; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_from_000000000021 (
    sequence bigint CONSTRAINT audit_sequence_not_null NOT NULL,
    id text CONSTRAINT audit_id_not_null NOT NULL,
    at timestamp with time zone CONSTRAINT audit_at_not_null NOT NULL,
    action text CONSTRAINT audit_action_not_null NOT NULL,
    resource_type text CONSTRAINT audit_resource_type_not_null NOT NULL,
    resource_id text CONSTRAINT audit_resource_id_not_null NOT NULL,
    user_id text,
    canonical text CONSTRAINT audit_canonical_not_null NOT NULL,
    previous_hash bytea CONSTRAINT audit_previous_hash_not_null NOT NULL,
    hash bytea CONSTRAINT audit_hash_not_null NOT NULL
);


--
-- Name: balances; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.balances (
    user_id text NOT NULL,
    available bigint NOT NULL,
    reserved bigint NOT NULL,
    due bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT balances_available_check CHECK ((available >= 0)),
    CONSTRAINT balances_reserved_check CHECK ((reserved >= 0))
)
WITH (fillfactor='50');


--
-- Name: chain_operations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.chain_operations (
    sequence bigint NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    subject text NOT NULL,
    subject_id text NOT NULL,
    source text NOT NULL,
    is_open boolean NOT NULL,
    due_at timestamp with time zone,
    tx_hash text,
    doc text NOT NULL
);


--
-- Name: chain_operations_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.chain_operations ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.chain_operations_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: checkpoint_sums; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.checkpoint_sums (
    checkpoint integer NOT NULL,
    side text NOT NULL,
    name text NOT NULL,
    amount bigint NOT NULL
);


--
-- Name: checkpoints; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.checkpoints (
    number integer NOT NULL,
    at timestamp with time zone NOT NULL,
    event_sequence bigint NOT NULL,
    event_moment timestamp with time zone,
    transfer_sequence bigint NOT NULL,
    audit_sequence bigint NOT NULL,
    audit_moment timestamp with time zone,
    audit_hash bytea NOT NULL,
    manifest bytea NOT NULL
);


--
-- Name: counters; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.counters (
    only_row boolean DEFAULT true NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    event_sequence bigint DEFAULT 0 NOT NULL,
    event_moment timestamp with time zone,
    transfer_sequence bigint DEFAULT 0 NOT NULL,
    audit_sequence bigint DEFAULT 0 NOT NULL,
    audit_hash bytea DEFAULT decode(repeat('00'::text, 32), 'hex'::text) NOT NULL,
    sums text DEFAULT '{}'::text NOT NULL,
    CONSTRAINT counters_only_row_check CHECK (only_row)
)
WITH (fillfactor='10');


--
-- Name: cursors; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cursors (
    name text NOT NULL,
    value text NOT NULL
)
WITH (fillfactor='10');


--
-- Name: detached; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.detached AS
 SELECT COALESCE(max(number), 0) AS checkpoint,
    COALESCE(max(event_sequence), (0)::bigint) AS event_sequence,
    max(event_moment) AS event_moment,
    COALESCE(max(transfer_sequence), (0)::bigint) AS transfer_sequence,
    COALESCE(max(audit_sequence), (0)::bigint) AS audit_sequence,
    max(audit_moment) AS audit_moment
   FROM public.checkpoints;


--
-- Name: detached_owners; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.detached_owners (
    id text NOT NULL,
    checkpoint integer NOT NULL
);


--
-- Name: disputes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.disputes (
    sequence bigint NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    order_id text NOT NULL,
    status text NOT NULL,
    opened_by text NOT NULL,
    doc text NOT NULL
);


--
-- Name: disputes_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.disputes ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.disputes_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: envelopes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.envelopes (
    tx_hash text NOT NULL,
    operation_id text NOT NULL,
    envelope text NOT NULL
);


--
-- Name: event_ids; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.event_ids (
    id text NOT NULL,
    sequence bigint NOT NULL
);


--
-- Name: events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.events (
    sequence bigint NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    order_id text,
    occurred_at timestamp with time zone NOT NULL,
    moment timestamp with time zone NOT NULL,
    body text NOT NULL
)
PARTITION BY RANGE (sequence);


--
-- Name: events_from_000000000001; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.events_from_000000000001 (
    sequence bigint CONSTRAINT events_sequence_not_null NOT NULL,
    id text CONSTRAINT events_id_not_null NOT NULL,
    type text CONSTRAINT events_type_not_null NOT NULL,
    aggregate_type text CONSTRAINT events_aggregate_type_not_null NOT NULL,
    aggregate_id text CONSTRAINT events_aggregate_id_not_null NOT NULL,
    order_id text,
    occurred_at timestamp with time zone CONSTRAINT events_occurred_at_not_null NOT NULL,
    moment timestamp with time zone CONSTRAINT events_moment_not_null NOT NULL,
    body text CONSTRAINT events_body_not_null NOT NULL,
    CONSTRAINT events_from_000000000001_sequence_check CHECK (((sequence IS NOT NULL) AND (sequence >= '1'::bigint) AND (sequence < '11'::bigint)))
);


--
-- Name: events_from_000000000011; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.events_from_000000000011 (
    sequence bigint CONSTRAINT events_sequence_not_null NOT NULL,
    id text CONSTRAINT events_id_not_null NOT NULL,
    type text CONSTRAINT events_type_not_null NOT NULL,
    aggregate_type text CONSTRAINT events_aggregate_type_not_null NOT NULL,
    aggregate_id text CONSTRAINT events_aggregate_id_not_null NOT NULL,
    order_id text,
    occurred_at timestamp with time zone CONSTRAINT events_occurred_at_not_null NOT NULL,
    moment timestamp with time zone CONSTRAINT events_moment_not_null NOT NULL,
    body text CONSTRAINT events_body_not_null NOT NULL
);


--
-- Name: events_from_000000000021; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.events_from_000000000021 (
    sequence bigint CONSTRAINT events_sequence_not_null NOT NULL,
    id text CONSTRAINT events_id_not_null NOT NULL,
    type text CONSTRAINT events_type_not_null NOT NULL,
    aggregate_type text CONSTRAINT events_aggregate_type_not_null NOT NULL,
    aggregate_id text CONSTRAINT events_aggregate_id_not_null NOT NULL,
    order_id text,
    occurred_at timestamp with time zone CONSTRAINT events_occurred_at_not_null NOT NULL,
    moment timestamp with time zone CONSTRAINT events_moment_not_null NOT NULL,
    body text CONSTRAINT events_body_not_null NOT NULL
);


--
-- Name: holdings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.holdings (
    transfer_sequence bigint NOT NULL,
    place smallint NOT NULL,
    holding text NOT NULL,
    amount bigint NOT NULL,
    reference text
)
PARTITION BY RANGE (transfer_sequence);


--
-- Name: holdings_from_000000000001; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.holdings_from_000000000001 (
    transfer_sequence bigint CONSTRAINT holdings_transfer_sequence_not_null NOT NULL,
    place smallint CONSTRAINT holdings_place_not_null NOT NULL,
    holding text CONSTRAINT holdings_holding_not_null NOT NULL,
    amount bigint CONSTRAINT holdings_amount_not_null NOT NULL,
    reference text,
    CONSTRAINT holdings_from_000000000001_transfer_sequence_check CHECK (((transfer_sequence IS NOT NULL) AND (transfer_sequence >= '1'::bigint) AND (transfer_sequence < '11'::bigint)))
);


--
-- Name: holdings_from_000000000011; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.holdings_from_000000000011 (
    transfer_sequence bigint CONSTRAINT holdings_transfer_sequence_not_null NOT NULL,
    place smallint CONSTRAINT holdings_place_not_null NOT NULL,
    holding text CONSTRAINT holdings_holding_not_null NOT NULL,
    amount bigint CONSTRAINT holdings_amount_not_null NOT NULL,
    reference text
);


--
-- Name: holdings_from_000000000021; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.holdings_from_000000000021 (
    transfer_sequence bigint CONSTRAINT holdings_transfer_sequence_not_null NOT NULL,
    place smallint CONSTRAINT holdings_place_not_null NOT NULL,
    holding text CONSTRAINT holdings_holding_not_null NOT NULL,
    amount bigint CONSTRAINT holdings_amount_not_null NOT NULL,
    reference text
);


--
-- Name: holds; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.holds (
    sequence bigint NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    user_id text NOT NULL,
    reference text NOT NULL,
    remaining bigint NOT NULL,
    doc text NOT NULL,
    CONSTRAINT holds_remaining_check CHECK ((remaining >= 0))
);


--
-- Name: holds_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.holds ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.holds_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: idempotency; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency (
    key text NOT NULL,
    fingerprint text NOT NULL,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    resource_type text,
    resource_id text,
    answer bytea
)
WITH (fillfactor='80');


--
-- Name: manual_changes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.manual_changes (
    sequence bigint NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    user_id text NOT NULL,
    kind text NOT NULL,
    reference text,
    doc text NOT NULL
);


--
-- Name: manual_changes_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.manual_changes ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.manual_changes_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: migration_contents; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.migration_contents (
    migration_id text NOT NULL,
    sha256 text NOT NULL
);


--
-- Name: operator_commands; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.operator_commands (
    sequence bigint NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    ended_at timestamp with time zone,
    doc text NOT NULL
);


--
-- Name: operator_commands_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.operator_commands ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.operator_commands_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: orders; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.orders (
    sequence bigint NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    status text NOT NULL,
    buyer_id text NOT NULL,
    seller_id text NOT NULL,
    client_order_ref text,
    contract_id text,
    amount bigint NOT NULL,
    in_flight boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    doc text NOT NULL
)
WITH (fillfactor='70');


--
-- Name: orders_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.orders ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.orders_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: parked; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.parked (
    sequence bigint NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    user_id text,
    amount bigint,
    is_open boolean NOT NULL,
    doc text NOT NULL
);


--
-- Name: parked_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.parked ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.parked_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: partitions; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.partitions AS
 SELECT (parent.relname)::text AS parent,
    (child.relname)::text AS name,
    ((regexp_match(bound.bound, 'FROM \(''(\d+)''\)'::text))[1])::bigint AS first,
    ((regexp_match(bound.bound, 'TO \(''(\d+)''\)'::text))[1])::bigint AS past,
    inherited.inhdetachpending AS detaching
   FROM (((pg_inherits inherited
     JOIN pg_class parent ON (((parent.oid = inherited.inhparent) AND (parent.relkind = 'p'::"char"))))
     JOIN pg_class child ON ((child.oid = inherited.inhrelid)))
     CROSS JOIN LATERAL pg_get_expr(child.relpartbound, child.oid) bound(bound))
  WHERE (parent.relnamespace = ('public'::regnamespace)::oid);


--
-- Name: postings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.postings (
    transfer_sequence bigint NOT NULL,
    place smallint NOT NULL,
    account text NOT NULL,
    user_id text,
    amount bigint NOT NULL
)
PARTITION BY RANGE (transfer_sequence);


--
-- Name: postings_from_000000000001; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.postings_from_000000000001 (
    transfer_sequence bigint CONSTRAINT postings_transfer_sequence_not_null NOT NULL,
    place smallint CONSTRAINT postings_place_not_null NOT NULL,
    account text CONSTRAINT postings_account_not_null NOT NULL,
    user_id text,
    amount bigint CONSTRAINT postings_amount_not_null NOT NULL,
    CONSTRAINT postings_from_000000000001_transfer_sequence_check CHECK (((transfer_sequence IS NOT NULL) AND (transfer_sequence >= '1'::bigint) AND (transfer_sequence < '11'::bigint)))
);


--
-- Name: postings_from_000000000011; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.postings_from_000000000011 (
    transfer_sequence bigint CONSTRAINT postings_transfer_sequence_not_null NOT NULL,
    place smallint CONSTRAINT postings_place_not_null NOT NULL,
    account text CONSTRAINT postings_account_not_null NOT NULL,
    user_id text,
    amount bigint CONSTRAINT postings_amount_not_null NOT NULL
);


--
-- Name: postings_from_000000000021; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.postings_from_000000000021 (
    transfer_sequence bigint CONSTRAINT postings_transfer_sequence_not_null NOT NULL,
    place smallint CONSTRAINT postings_place_not_null NOT NULL,
    account text CONSTRAINT postings_account_not_null NOT NULL,
    user_id text,
    amount bigint CONSTRAINT postings_amount_not_null NOT NULL
);


--
-- Name: settings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.settings (
    name text NOT NULL,
    value text NOT NULL
);


--
-- Name: settlements; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.settlements (
    sequence bigint NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    amount bigint NOT NULL,
    in_flight boolean NOT NULL,
    not_before timestamp with time zone,
    doc text NOT NULL
)
WITH (fillfactor='70');


--
-- Name: settlements_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.settlements ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.settlements_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: transfer_dedupe; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.transfer_dedupe (
    key text NOT NULL
);


--
-- Name: transfer_ids; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.transfer_ids (
    id text NOT NULL,
    sequence bigint NOT NULL
);


--
-- Name: transfers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.transfers (
    sequence bigint NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    reference text NOT NULL,
    cause text NOT NULL,
    dedupe text,
    correlation_id text,
    created_at timestamp with time zone NOT NULL
)
PARTITION BY RANGE (sequence);


--
-- Name: transfers_from_000000000001; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.transfers_from_000000000001 (
    sequence bigint CONSTRAINT transfers_sequence_not_null NOT NULL,
    id text CONSTRAINT transfers_id_not_null NOT NULL,
    kind text CONSTRAINT transfers_kind_not_null NOT NULL,
    reference text CONSTRAINT transfers_reference_not_null NOT NULL,
    cause text CONSTRAINT transfers_cause_not_null NOT NULL,
    dedupe text,
    correlation_id text,
    created_at timestamp with time zone CONSTRAINT transfers_created_at_not_null NOT NULL,
    CONSTRAINT transfers_from_000000000001_sequence_check CHECK (((sequence IS NOT NULL) AND (sequence >= '1'::bigint) AND (sequence < '11'::bigint)))
);


--
-- Name: transfers_from_000000000011; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.transfers_from_000000000011 (
    sequence bigint CONSTRAINT transfers_sequence_not_null NOT NULL,
    id text CONSTRAINT transfers_id_not_null NOT NULL,
    kind text CONSTRAINT transfers_kind_not_null NOT NULL,
    reference text CONSTRAINT transfers_reference_not_null NOT NULL,
    cause text CONSTRAINT transfers_cause_not_null NOT NULL,
    dedupe text,
    correlation_id text,
    created_at timestamp with time zone CONSTRAINT transfers_created_at_not_null NOT NULL
);


--
-- Name: transfers_from_000000000021; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.transfers_from_000000000021 (
    sequence bigint CONSTRAINT transfers_sequence_not_null NOT NULL,
    id text CONSTRAINT transfers_id_not_null NOT NULL,
    kind text CONSTRAINT transfers_kind_not_null NOT NULL,
    reference text CONSTRAINT transfers_reference_not_null NOT NULL,
    cause text CONSTRAINT transfers_cause_not_null NOT NULL,
    dedupe text,
    correlation_id text,
    created_at timestamp with time zone CONSTRAINT transfers_created_at_not_null NOT NULL
);


--
-- Name: users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.users (
    sequence bigint NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    external_user_id text NOT NULL,
    email text,
    doc text NOT NULL
);


--
-- Name: users_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.users ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.users_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: wallets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.wallets (
    sequence bigint NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    user_id text NOT NULL,
    role text NOT NULL,
    status text NOT NULL,
    public_key text NOT NULL,
    key_version text NOT NULL,
    doc text NOT NULL
);


--
-- Name: wallets_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.wallets ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.wallets_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: webhooks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.webhooks (
    sequence bigint NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    ended_at timestamp with time zone,
    due_at timestamp with time zone,
    doc text NOT NULL
);


--
-- Name: webhooks_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.webhooks ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.webhooks_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: withdrawals; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.withdrawals (
    sequence bigint NOT NULL,
    id text NOT NULL,
    version integer NOT NULL,
    user_id text NOT NULL,
    status text NOT NULL,
    amount bigint NOT NULL,
    in_flight boolean NOT NULL,
    doc text NOT NULL
);


--
-- Name: withdrawals_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.withdrawals ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.withdrawals_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: writers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.writers (
    id bytea NOT NULL,
    epoch bigint NOT NULL,
    last_group bigint DEFAULT 0 NOT NULL,
    opened_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='10');


--
-- Name: audit_from_000000000011; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit ATTACH PARTITION public.audit_from_000000000011 FOR VALUES FROM ('11') TO ('21');


--
-- Name: audit_from_000000000021; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit ATTACH PARTITION public.audit_from_000000000021 FOR VALUES FROM ('21') TO ('31');


--
-- Name: events_from_000000000011; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events ATTACH PARTITION public.events_from_000000000011 FOR VALUES FROM ('11') TO ('21');


--
-- Name: events_from_000000000021; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events ATTACH PARTITION public.events_from_000000000021 FOR VALUES FROM ('21') TO ('31');


--
-- Name: holdings_from_000000000011; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.holdings ATTACH PARTITION public.holdings_from_000000000011 FOR VALUES FROM ('11') TO ('21');


--
-- Name: holdings_from_000000000021; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.holdings ATTACH PARTITION public.holdings_from_000000000021 FOR VALUES FROM ('21') TO ('31');


--
-- Name: postings_from_000000000011; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.postings ATTACH PARTITION public.postings_from_000000000011 FOR VALUES FROM ('11') TO ('21');


--
-- Name: postings_from_000000000021; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.postings ATTACH PARTITION public.postings_from_000000000021 FOR VALUES FROM ('21') TO ('31');


--
-- Name: transfers_from_000000000011; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transfers ATTACH PARTITION public.transfers_from_000000000011 FOR VALUES FROM ('11') TO ('21');


--
-- Name: transfers_from_000000000021; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transfers ATTACH PARTITION public.transfers_from_000000000021 FOR VALUES FROM ('21') TO ('31');


--
-- Data for Name: _pogo_migration; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public._pogo_migration VALUES ('dc982c7bad62f938512350b84db071d44fc175dd58abc3da31274cdb45bc53ee', '20261122_01_first-schema', '2026-11-25 01:54:05.340068+00', 'public');


--
-- Data for Name: _pogo_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public._pogo_version VALUES (0, '2026-11-25 01:54:04.942042+00');
INSERT INTO public._pogo_version VALUES (1, '2026-11-25 01:54:04.965669+00');


--
-- Data for Name: api_key_uses; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: api_keys; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: api_tokens; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: audit_from_000000000001; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_from_000000000001 VALUES (1, 'aud_000000000000000000007', '2026-11-22 12:00:00.123+00', 'order.reserve', 'Order', 'ord_1', NULL, '{"action":"order.reserve","actor":"key:key_1","after":{"a":"Ü","b":1},"at":"2026-11-22T12:00:00.123Z","before":null,"causationId":null,"correlationId":"req_1","error":null,"id":"aud_000000000000000000007","idempotencyKey":null,"ip":"192.0.2.1","resourceId":"ord_1","resourceType":"Order","result":"ok","sequence":1,"userAgent":"test","userId":null}', '\x0000000000000000000000000000000000000000000000000000000000000000', '\x81e46e6a601bfe967460b3acc87bd86a2433e2c6bb8c6ea422b8b158abba1efc');
INSERT INTO public.audit_from_000000000001 VALUES (2, 'aud_000000000000000000011', '2026-11-22 12:00:00.123+00', 'order.reserve', 'Order', 'ord_1', NULL, '{"action":"order.reserve","actor":"key:key_1","after":{"a":"Ü","b":1},"at":"2026-11-22T12:00:00.123Z","before":null,"causationId":null,"correlationId":"req_1","error":null,"id":"aud_000000000000000000011","idempotencyKey":null,"ip":"192.0.2.1","resourceId":"ord_1","resourceType":"Order","result":"ok","sequence":2,"userAgent":"test","userId":null}', '\x81e46e6a601bfe967460b3acc87bd86a2433e2c6bb8c6ea422b8b158abba1efc', '\x4f2782c7c22226b34ce6a18fd769a5ce37da51238b3d5ece2df3bb81f48b6250');
INSERT INTO public.audit_from_000000000001 VALUES (3, 'aud_000000000000000000015', '2026-11-22 12:00:00.123+00', 'order.reserve', 'Order', 'ord_1', NULL, '{"action":"order.reserve","actor":"key:key_1","after":{"a":"Ü","b":1},"at":"2026-11-22T12:00:00.123Z","before":null,"causationId":null,"correlationId":"req_1","error":null,"id":"aud_000000000000000000015","idempotencyKey":null,"ip":"192.0.2.1","resourceId":"ord_1","resourceType":"Order","result":"ok","sequence":3,"userAgent":"test","userId":null}', '\x4f2782c7c22226b34ce6a18fd769a5ce37da51238b3d5ece2df3bb81f48b6250', '\x87d2238690bc6916fc2b5c7a9537a03b00362a5bb7199323d7e52f24d282ff89');
INSERT INTO public.audit_from_000000000001 VALUES (4, 'aud_000000000000000000019', '2026-11-22 12:00:00.123+00', 'order.reserve', 'Order', 'ord_1', NULL, '{"action":"order.reserve","actor":"key:key_1","after":{"a":"Ü","b":1},"at":"2026-11-22T12:00:00.123Z","before":null,"causationId":null,"correlationId":"req_1","error":null,"id":"aud_000000000000000000019","idempotencyKey":null,"ip":"192.0.2.1","resourceId":"ord_1","resourceType":"Order","result":"ok","sequence":4,"userAgent":"test","userId":null}', '\x87d2238690bc6916fc2b5c7a9537a03b00362a5bb7199323d7e52f24d282ff89', '\xa0db9b1f6b70e82bba6c2a2b3b290c6c11d789600db95c0c63ee7759d8faf3a8');
INSERT INTO public.audit_from_000000000001 VALUES (5, 'aud_000000000000000000023', '2026-11-22 12:00:00.123+00', 'order.reserve', 'Order', 'ord_1', NULL, '{"action":"order.reserve","actor":"key:key_1","after":{"a":"Ü","b":1},"at":"2026-11-22T12:00:00.123Z","before":null,"causationId":null,"correlationId":"req_1","error":null,"id":"aud_000000000000000000023","idempotencyKey":null,"ip":"192.0.2.1","resourceId":"ord_1","resourceType":"Order","result":"ok","sequence":5,"userAgent":"test","userId":null}', '\xa0db9b1f6b70e82bba6c2a2b3b290c6c11d789600db95c0c63ee7759d8faf3a8', '\xea66ccc20c550746742e922e1a9fab678afeb8bb90b6ea12e478a83206e3272f');
INSERT INTO public.audit_from_000000000001 VALUES (6, 'aud_000000000000000000027', '2026-11-22 12:00:00.123+00', 'order.reserve', 'Order', 'ord_1', NULL, '{"action":"order.reserve","actor":"key:key_1","after":{"a":"Ü","b":1},"at":"2026-11-22T12:00:00.123Z","before":null,"causationId":null,"correlationId":"req_1","error":null,"id":"aud_000000000000000000027","idempotencyKey":null,"ip":"192.0.2.1","resourceId":"ord_1","resourceType":"Order","result":"ok","sequence":6,"userAgent":"test","userId":null}', '\xea66ccc20c550746742e922e1a9fab678afeb8bb90b6ea12e478a83206e3272f', '\x65942edce12580f4ededf7320a08def5727bd8b58a9acf6232d3d205fd538ea5');
INSERT INTO public.audit_from_000000000001 VALUES (7, 'aud_000000000000000000031', '2026-11-22 12:00:00.123+00', 'order.reserve', 'Order', 'ord_1', NULL, '{"action":"order.reserve","actor":"key:key_1","after":{"a":"Ü","b":1},"at":"2026-11-22T12:00:00.123Z","before":null,"causationId":null,"correlationId":"req_1","error":null,"id":"aud_000000000000000000031","idempotencyKey":null,"ip":"192.0.2.1","resourceId":"ord_1","resourceType":"Order","result":"ok","sequence":7,"userAgent":"test","userId":null}', '\x65942edce12580f4ededf7320a08def5727bd8b58a9acf6232d3d205fd538ea5', '\xa3aef642ad163efbb48d8a4c1c758df287edd5d8ad6eac0ce8da052d257a6557');
INSERT INTO public.audit_from_000000000001 VALUES (8, 'aud_000000000000000000035', '2026-11-22 12:00:00.123+00', 'order.reserve', 'Order', 'ord_1', NULL, '{"action":"order.reserve","actor":"key:key_1","after":{"a":"Ü","b":1},"at":"2026-11-22T12:00:00.123Z","before":null,"causationId":null,"correlationId":"req_1","error":null,"id":"aud_000000000000000000035","idempotencyKey":null,"ip":"192.0.2.1","resourceId":"ord_1","resourceType":"Order","result":"ok","sequence":8,"userAgent":"test","userId":null}', '\xa3aef642ad163efbb48d8a4c1c758df287edd5d8ad6eac0ce8da052d257a6557', '\xccfc10b86ca267f3daf81f2ec74911a57820707a9cf84599f8fd8e55bd8a4f86');
INSERT INTO public.audit_from_000000000001 VALUES (9, 'aud_000000000000000000039', '2026-11-22 12:00:00.123+00', 'order.reserve', 'Order', 'ord_1', NULL, '{"action":"order.reserve","actor":"key:key_1","after":{"a":"Ü","b":1},"at":"2026-11-22T12:00:00.123Z","before":null,"causationId":null,"correlationId":"req_1","error":null,"id":"aud_000000000000000000039","idempotencyKey":null,"ip":"192.0.2.1","resourceId":"ord_1","resourceType":"Order","result":"ok","sequence":9,"userAgent":"test","userId":null}', '\xccfc10b86ca267f3daf81f2ec74911a57820707a9cf84599f8fd8e55bd8a4f86', '\x2f77bac0571dfc5d2ba4229662f16ac7865e2b923fddfba3948872c7631b6ce4');
INSERT INTO public.audit_from_000000000001 VALUES (10, 'aud_000000000000000000043', '2026-11-22 12:00:00.123+00', 'order.reserve', 'Order', 'ord_1', NULL, '{"action":"order.reserve","actor":"key:key_1","after":{"a":"Ü","b":1},"at":"2026-11-22T12:00:00.123Z","before":null,"causationId":null,"correlationId":"req_1","error":null,"id":"aud_000000000000000000043","idempotencyKey":null,"ip":"192.0.2.1","resourceId":"ord_1","resourceType":"Order","result":"ok","sequence":10,"userAgent":"test","userId":null}', '\x2f77bac0571dfc5d2ba4229662f16ac7865e2b923fddfba3948872c7631b6ce4', '\xb94f57b23efd4cda19527af3f952210880e1e1e0fa30ef261d317da34a36b392');


--
-- Data for Name: audit_from_000000000011; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_from_000000000011 VALUES (11, 'aud_000000000000000000047', '2026-11-22 12:00:00.123+00', 'order.reserve', 'Order', 'ord_1', NULL, '{"action":"order.reserve","actor":"key:key_1","after":{"a":"Ü","b":1},"at":"2026-11-22T12:00:00.123Z","before":null,"causationId":null,"correlationId":"req_1","error":null,"id":"aud_000000000000000000047","idempotencyKey":null,"ip":"192.0.2.1","resourceId":"ord_1","resourceType":"Order","result":"ok","sequence":11,"userAgent":"test","userId":null}', '\xb94f57b23efd4cda19527af3f952210880e1e1e0fa30ef261d317da34a36b392', '\xf991f333ca3ba3a151dd291426f538d5a2404cbc012f1ec89c093d2c5afd68bb');
INSERT INTO public.audit_from_000000000011 VALUES (12, 'aud_000000000000000000051', '2026-11-22 12:00:00.123+00', 'order.reserve', 'Order', 'ord_1', NULL, '{"action":"order.reserve","actor":"key:key_1","after":{"a":"Ü","b":1},"at":"2026-11-22T12:00:00.123Z","before":null,"causationId":null,"correlationId":"req_1","error":null,"id":"aud_000000000000000000051","idempotencyKey":null,"ip":"192.0.2.1","resourceId":"ord_1","resourceType":"Order","result":"ok","sequence":12,"userAgent":"test","userId":null}', '\xf991f333ca3ba3a151dd291426f538d5a2404cbc012f1ec89c093d2c5afd68bb', '\x7597c30532a88c80f947cc38b42ed0a06e91203084a34e5d5561f7838436e29b');
INSERT INTO public.audit_from_000000000011 VALUES (13, 'aud_000000000000000000055', '2026-11-22 12:00:00.123+00', 'order.reserve', 'Order', 'ord_1', NULL, '{"action":"order.reserve","actor":"key:key_1","after":{"a":"Ü","b":1},"at":"2026-11-22T12:00:00.123Z","before":null,"causationId":null,"correlationId":"req_1","error":null,"id":"aud_000000000000000000055","idempotencyKey":null,"ip":"192.0.2.1","resourceId":"ord_1","resourceType":"Order","result":"ok","sequence":13,"userAgent":"test","userId":null}', '\x7597c30532a88c80f947cc38b42ed0a06e91203084a34e5d5561f7838436e29b', '\xa1b784854c8d9eec0c769e699cfffe1c6267185a0b4278f8336f6c08000c45dc');
INSERT INTO public.audit_from_000000000011 VALUES (14, 'aud_AwMDAwMDAwMDAwMDAwMDA', '2026-11-24 12:00:00.123+00', 'history.checkpoint', 'Checkpoint', '1', NULL, '{"action":"history.checkpoint","actor":"system:history","after":{"auditHash":"b94f57b23efd4cda19527af3f952210880e1e1e0fa30ef261d317da34a36b392","auditSequence":10,"booksDigest":"16ce75b4378097046aecd89554904aca4931bce02172306c45696aa4097b8386","eventSequence":10,"manifest":"4100dad13b7b6b62cf3bf04237ee501a6ae2cdf0db6df52d329faef248dbc01a","transferSequence":10},"at":"2026-11-24T12:00:00.123Z","before":null,"causationId":null,"correlationId":"req_AgICAgICAgICAgICAgICA","error":null,"id":"aud_AwMDAwMDAwMDAwMDAwMDA","idempotencyKey":null,"ip":null,"resourceId":"1","resourceType":"Checkpoint","result":"ok","sequence":14,"userAgent":null,"userId":null}', '\xa1b784854c8d9eec0c769e699cfffe1c6267185a0b4278f8336f6c08000c45dc', '\x90309a39fedec845c034cd6769ffee2056f63d92d60f8d31d3f12d3e644063b1');


--
-- Data for Name: audit_from_000000000021; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: balances; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.balances VALUES ('usr_000000000000000000001', 870000000, 130000000, 0, '2026-11-22 12:00:00.123+00');


--
-- Data for Name: chain_operations; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: checkpoint_sums; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.checkpoint_sums VALUES (1, 'account', 'available/usr_000000000000000000001', 910000000);
INSERT INTO public.checkpoint_sums VALUES (1, 'account', 'external', -1000000000);
INSERT INTO public.checkpoint_sums VALUES (1, 'account', 'reserved/usr_000000000000000000001', 90000000);
INSERT INTO public.checkpoint_sums VALUES (1, 'holding', 'wallet/usr_000000000000000000001', 1000000000);


--
-- Data for Name: checkpoints; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.checkpoints VALUES (1, '2026-11-24 12:00:00.123+00', 10, '2026-11-22 12:00:00.123+00', 10, 10, '2026-11-22 12:00:00.123+00', '\xb94f57b23efd4cda19527af3f952210880e1e1e0fa30ef261d317da34a36b392', '\x4100dad13b7b6b62cf3bf04237ee501a6ae2cdf0db6df52d329faef248dbc01a');


--
-- Data for Name: counters; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.counters VALUES (true, 1, 13, '2026-11-22 12:00:00.123+00', 14, 14, '\x90309a39fedec845c034cd6769ffee2056f63d92d60f8d31d3f12d3e644063b1', '{}');


--
-- Data for Name: cursors; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: detached_owners; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.detached_owners VALUES ('ord_000000000000000000004', 1);
INSERT INTO public.detached_owners VALUES ('ord_000000000000000000008', 1);
INSERT INTO public.detached_owners VALUES ('ord_000000000000000000012', 1);
INSERT INTO public.detached_owners VALUES ('ord_000000000000000000016', 1);
INSERT INTO public.detached_owners VALUES ('ord_000000000000000000020', 1);
INSERT INTO public.detached_owners VALUES ('ord_000000000000000000024', 1);
INSERT INTO public.detached_owners VALUES ('ord_000000000000000000028', 1);
INSERT INTO public.detached_owners VALUES ('ord_000000000000000000032', 1);
INSERT INTO public.detached_owners VALUES ('ord_000000000000000000036', 1);
INSERT INTO public.detached_owners VALUES ('ord_000000000000000000040', 1);
INSERT INTO public.detached_owners VALUES ('usr_000000000000000000001', 1);


--
-- Data for Name: disputes; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: envelopes; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: event_ids; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.event_ids VALUES ('evt_000000000000000000006', 1);
INSERT INTO public.event_ids VALUES ('evt_000000000000000000010', 2);
INSERT INTO public.event_ids VALUES ('evt_000000000000000000014', 3);
INSERT INTO public.event_ids VALUES ('evt_000000000000000000018', 4);
INSERT INTO public.event_ids VALUES ('evt_000000000000000000022', 5);
INSERT INTO public.event_ids VALUES ('evt_000000000000000000026', 6);
INSERT INTO public.event_ids VALUES ('evt_000000000000000000030', 7);
INSERT INTO public.event_ids VALUES ('evt_000000000000000000034', 8);
INSERT INTO public.event_ids VALUES ('evt_000000000000000000038', 9);
INSERT INTO public.event_ids VALUES ('evt_000000000000000000042', 10);
INSERT INTO public.event_ids VALUES ('evt_000000000000000000046', 11);
INSERT INTO public.event_ids VALUES ('evt_000000000000000000050', 12);
INSERT INTO public.event_ids VALUES ('evt_000000000000000000054', 13);


--
-- Data for Name: events_from_000000000001; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.events_from_000000000001 VALUES (1, 'evt_000000000000000000006', 'balance.reserved', 'Balance', 'usr_1', 'ord_000000000000000000004', '2026-11-22 12:00:00.123+00', '2026-11-22 12:00:00.123+00', '{"eventId":"evt_000000000000000000006","eventType":"balance.reserved","occurredAt":"2026-11-22T12:00:00.123Z","aggregateId":"usr_1","aggregateType":"Balance","payload":{"amount":"1.00","reservedBalance":"1.00","availableBalance":"99.00"},"metadata":{"correlationId":"req_1","causationId":null,"userId":"usr_1"}}');
INSERT INTO public.events_from_000000000001 VALUES (2, 'evt_000000000000000000010', 'balance.reserved', 'Balance', 'usr_1', 'ord_000000000000000000008', '2026-11-22 12:00:00.123+00', '2026-11-22 12:00:00.123+00', '{"eventId":"evt_000000000000000000010","eventType":"balance.reserved","occurredAt":"2026-11-22T12:00:00.123Z","aggregateId":"usr_1","aggregateType":"Balance","payload":{"amount":"1.00","reservedBalance":"2.00","availableBalance":"98.00"},"metadata":{"correlationId":"req_1","causationId":null,"userId":"usr_1"}}');
INSERT INTO public.events_from_000000000001 VALUES (3, 'evt_000000000000000000014', 'balance.reserved', 'Balance', 'usr_1', 'ord_000000000000000000012', '2026-11-22 12:00:00.123+00', '2026-11-22 12:00:00.123+00', '{"eventId":"evt_000000000000000000014","eventType":"balance.reserved","occurredAt":"2026-11-22T12:00:00.123Z","aggregateId":"usr_1","aggregateType":"Balance","payload":{"amount":"1.00","reservedBalance":"3.00","availableBalance":"97.00"},"metadata":{"correlationId":"req_1","causationId":null,"userId":"usr_1"}}');
INSERT INTO public.events_from_000000000001 VALUES (4, 'evt_000000000000000000018', 'balance.reserved', 'Balance', 'usr_1', 'ord_000000000000000000016', '2026-11-22 12:00:00.123+00', '2026-11-22 12:00:00.123+00', '{"eventId":"evt_000000000000000000018","eventType":"balance.reserved","occurredAt":"2026-11-22T12:00:00.123Z","aggregateId":"usr_1","aggregateType":"Balance","payload":{"amount":"1.00","reservedBalance":"4.00","availableBalance":"96.00"},"metadata":{"correlationId":"req_1","causationId":null,"userId":"usr_1"}}');
INSERT INTO public.events_from_000000000001 VALUES (5, 'evt_000000000000000000022', 'balance.reserved', 'Balance', 'usr_1', 'ord_000000000000000000020', '2026-11-22 12:00:00.123+00', '2026-11-22 12:00:00.123+00', '{"eventId":"evt_000000000000000000022","eventType":"balance.reserved","occurredAt":"2026-11-22T12:00:00.123Z","aggregateId":"usr_1","aggregateType":"Balance","payload":{"amount":"1.00","reservedBalance":"5.00","availableBalance":"95.00"},"metadata":{"correlationId":"req_1","causationId":null,"userId":"usr_1"}}');
INSERT INTO public.events_from_000000000001 VALUES (6, 'evt_000000000000000000026', 'balance.reserved', 'Balance', 'usr_1', 'ord_000000000000000000024', '2026-11-22 12:00:00.123+00', '2026-11-22 12:00:00.123+00', '{"eventId":"evt_000000000000000000026","eventType":"balance.reserved","occurredAt":"2026-11-22T12:00:00.123Z","aggregateId":"usr_1","aggregateType":"Balance","payload":{"amount":"1.00","reservedBalance":"6.00","availableBalance":"94.00"},"metadata":{"correlationId":"req_1","causationId":null,"userId":"usr_1"}}');
INSERT INTO public.events_from_000000000001 VALUES (7, 'evt_000000000000000000030', 'balance.reserved', 'Balance', 'usr_1', 'ord_000000000000000000028', '2026-11-22 12:00:00.123+00', '2026-11-22 12:00:00.123+00', '{"eventId":"evt_000000000000000000030","eventType":"balance.reserved","occurredAt":"2026-11-22T12:00:00.123Z","aggregateId":"usr_1","aggregateType":"Balance","payload":{"amount":"1.00","reservedBalance":"7.00","availableBalance":"93.00"},"metadata":{"correlationId":"req_1","causationId":null,"userId":"usr_1"}}');
INSERT INTO public.events_from_000000000001 VALUES (8, 'evt_000000000000000000034', 'balance.reserved', 'Balance', 'usr_1', 'ord_000000000000000000032', '2026-11-22 12:00:00.123+00', '2026-11-22 12:00:00.123+00', '{"eventId":"evt_000000000000000000034","eventType":"balance.reserved","occurredAt":"2026-11-22T12:00:00.123Z","aggregateId":"usr_1","aggregateType":"Balance","payload":{"amount":"1.00","reservedBalance":"8.00","availableBalance":"92.00"},"metadata":{"correlationId":"req_1","causationId":null,"userId":"usr_1"}}');
INSERT INTO public.events_from_000000000001 VALUES (9, 'evt_000000000000000000038', 'balance.reserved', 'Balance', 'usr_1', 'ord_000000000000000000036', '2026-11-22 12:00:00.123+00', '2026-11-22 12:00:00.123+00', '{"eventId":"evt_000000000000000000038","eventType":"balance.reserved","occurredAt":"2026-11-22T12:00:00.123Z","aggregateId":"usr_1","aggregateType":"Balance","payload":{"amount":"1.00","reservedBalance":"9.00","availableBalance":"91.00"},"metadata":{"correlationId":"req_1","causationId":null,"userId":"usr_1"}}');
INSERT INTO public.events_from_000000000001 VALUES (10, 'evt_000000000000000000042', 'balance.reserved', 'Balance', 'usr_1', 'ord_000000000000000000040', '2026-11-22 12:00:00.123+00', '2026-11-22 12:00:00.123+00', '{"eventId":"evt_000000000000000000042","eventType":"balance.reserved","occurredAt":"2026-11-22T12:00:00.123Z","aggregateId":"usr_1","aggregateType":"Balance","payload":{"amount":"1.00","reservedBalance":"10.00","availableBalance":"90.00"},"metadata":{"correlationId":"req_1","causationId":null,"userId":"usr_1"}}');


--
-- Data for Name: events_from_000000000011; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.events_from_000000000011 VALUES (11, 'evt_000000000000000000046', 'balance.reserved', 'Balance', 'usr_1', 'ord_000000000000000000044', '2026-11-22 12:00:00.123+00', '2026-11-22 12:00:00.123+00', '{"eventId":"evt_000000000000000000046","eventType":"balance.reserved","occurredAt":"2026-11-22T12:00:00.123Z","aggregateId":"usr_1","aggregateType":"Balance","payload":{"amount":"1.00","reservedBalance":"11.00","availableBalance":"89.00"},"metadata":{"correlationId":"req_1","causationId":null,"userId":"usr_1"}}');
INSERT INTO public.events_from_000000000011 VALUES (12, 'evt_000000000000000000050', 'balance.reserved', 'Balance', 'usr_1', 'ord_000000000000000000048', '2026-11-22 12:00:00.123+00', '2026-11-22 12:00:00.123+00', '{"eventId":"evt_000000000000000000050","eventType":"balance.reserved","occurredAt":"2026-11-22T12:00:00.123Z","aggregateId":"usr_1","aggregateType":"Balance","payload":{"amount":"1.00","reservedBalance":"12.00","availableBalance":"88.00"},"metadata":{"correlationId":"req_1","causationId":null,"userId":"usr_1"}}');
INSERT INTO public.events_from_000000000011 VALUES (13, 'evt_000000000000000000054', 'balance.reserved', 'Balance', 'usr_1', 'ord_000000000000000000052', '2026-11-22 12:00:00.123+00', '2026-11-22 12:00:00.123+00', '{"eventId":"evt_000000000000000000054","eventType":"balance.reserved","occurredAt":"2026-11-22T12:00:00.123Z","aggregateId":"usr_1","aggregateType":"Balance","payload":{"amount":"1.00","reservedBalance":"13.00","availableBalance":"87.00"},"metadata":{"correlationId":"req_1","causationId":null,"userId":"usr_1"}}');


--
-- Data for Name: events_from_000000000021; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: holdings_from_000000000001; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.holdings_from_000000000001 VALUES (1, 0, 'wallet/usr_000000000000000000001', 1000000000, 'tx:1');


--
-- Data for Name: holdings_from_000000000011; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: holdings_from_000000000021; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: holds; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: idempotency; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.idempotency VALUES ('key-1', 'f1', 'done', '2026-11-24 12:00:00.123+00', NULL, NULL, '\x6f726465722e6372656174653a20746865206669727374');


--
-- Data for Name: manual_changes; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: migration_contents; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.migration_contents VALUES ('20261122_01_first-schema', '68bc3a4cf496e13b91e4b4f8fcb15ff5f0744af76bb66f82fda005fbfb4b6c3e');


--
-- Data for Name: operator_commands; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: orders; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.orders OVERRIDING SYSTEM VALUE VALUES (1, 'ord_000000000000000000004', 1, 'ORDER_CREATED', 'usr_000000000000000000001', 'usr_s', NULL, NULL, 800000000, false, '2026-11-22 12:00:00.123+00', NULL, '{"id":"ord_000000000000000000004","version":1,"buyer_id":"usr_000000000000000000001","seller_id":"usr_s","amount":800000000,"currency":"USDC","title":"Logo “Ü”","status":"ORDER_CREATED","created_at":"2026-11-22T12:00:00.123000Z","updated_at":"2026-11-22T12:00:00.123000Z"}');
INSERT INTO public.orders OVERRIDING SYSTEM VALUE VALUES (2, 'ord_000000000000000000008', 1, 'ORDER_CREATED', 'usr_000000000000000000001', 'usr_s', NULL, NULL, 800000000, false, '2026-11-22 12:00:00.123+00', NULL, '{"id":"ord_000000000000000000008","version":1,"buyer_id":"usr_000000000000000000001","seller_id":"usr_s","amount":800000000,"currency":"USDC","title":"Logo “Ü”","status":"ORDER_CREATED","created_at":"2026-11-22T12:00:00.123000Z","updated_at":"2026-11-22T12:00:00.123000Z"}');
INSERT INTO public.orders OVERRIDING SYSTEM VALUE VALUES (3, 'ord_000000000000000000012', 1, 'ORDER_CREATED', 'usr_000000000000000000001', 'usr_s', NULL, NULL, 800000000, false, '2026-11-22 12:00:00.123+00', NULL, '{"id":"ord_000000000000000000012","version":1,"buyer_id":"usr_000000000000000000001","seller_id":"usr_s","amount":800000000,"currency":"USDC","title":"Logo “Ü”","status":"ORDER_CREATED","created_at":"2026-11-22T12:00:00.123000Z","updated_at":"2026-11-22T12:00:00.123000Z"}');
INSERT INTO public.orders OVERRIDING SYSTEM VALUE VALUES (4, 'ord_000000000000000000016', 1, 'ORDER_CREATED', 'usr_000000000000000000001', 'usr_s', NULL, NULL, 800000000, false, '2026-11-22 12:00:00.123+00', NULL, '{"id":"ord_000000000000000000016","version":1,"buyer_id":"usr_000000000000000000001","seller_id":"usr_s","amount":800000000,"currency":"USDC","title":"Logo “Ü”","status":"ORDER_CREATED","created_at":"2026-11-22T12:00:00.123000Z","updated_at":"2026-11-22T12:00:00.123000Z"}');
INSERT INTO public.orders OVERRIDING SYSTEM VALUE VALUES (5, 'ord_000000000000000000020', 1, 'ORDER_CREATED', 'usr_000000000000000000001', 'usr_s', NULL, NULL, 800000000, false, '2026-11-22 12:00:00.123+00', NULL, '{"id":"ord_000000000000000000020","version":1,"buyer_id":"usr_000000000000000000001","seller_id":"usr_s","amount":800000000,"currency":"USDC","title":"Logo “Ü”","status":"ORDER_CREATED","created_at":"2026-11-22T12:00:00.123000Z","updated_at":"2026-11-22T12:00:00.123000Z"}');
INSERT INTO public.orders OVERRIDING SYSTEM VALUE VALUES (6, 'ord_000000000000000000024', 1, 'ORDER_CREATED', 'usr_000000000000000000001', 'usr_s', NULL, NULL, 800000000, false, '2026-11-22 12:00:00.123+00', NULL, '{"id":"ord_000000000000000000024","version":1,"buyer_id":"usr_000000000000000000001","seller_id":"usr_s","amount":800000000,"currency":"USDC","title":"Logo “Ü”","status":"ORDER_CREATED","created_at":"2026-11-22T12:00:00.123000Z","updated_at":"2026-11-22T12:00:00.123000Z"}');
INSERT INTO public.orders OVERRIDING SYSTEM VALUE VALUES (7, 'ord_000000000000000000028', 1, 'ORDER_CREATED', 'usr_000000000000000000001', 'usr_s', NULL, NULL, 800000000, false, '2026-11-22 12:00:00.123+00', NULL, '{"id":"ord_000000000000000000028","version":1,"buyer_id":"usr_000000000000000000001","seller_id":"usr_s","amount":800000000,"currency":"USDC","title":"Logo “Ü”","status":"ORDER_CREATED","created_at":"2026-11-22T12:00:00.123000Z","updated_at":"2026-11-22T12:00:00.123000Z"}');
INSERT INTO public.orders OVERRIDING SYSTEM VALUE VALUES (8, 'ord_000000000000000000032', 1, 'ORDER_CREATED', 'usr_000000000000000000001', 'usr_s', NULL, NULL, 800000000, false, '2026-11-22 12:00:00.123+00', NULL, '{"id":"ord_000000000000000000032","version":1,"buyer_id":"usr_000000000000000000001","seller_id":"usr_s","amount":800000000,"currency":"USDC","title":"Logo “Ü”","status":"ORDER_CREATED","created_at":"2026-11-22T12:00:00.123000Z","updated_at":"2026-11-22T12:00:00.123000Z"}');
INSERT INTO public.orders OVERRIDING SYSTEM VALUE VALUES (9, 'ord_000000000000000000036', 1, 'ORDER_CREATED', 'usr_000000000000000000001', 'usr_s', NULL, NULL, 800000000, false, '2026-11-22 12:00:00.123+00', NULL, '{"id":"ord_000000000000000000036","version":1,"buyer_id":"usr_000000000000000000001","seller_id":"usr_s","amount":800000000,"currency":"USDC","title":"Logo “Ü”","status":"ORDER_CREATED","created_at":"2026-11-22T12:00:00.123000Z","updated_at":"2026-11-22T12:00:00.123000Z"}');
INSERT INTO public.orders OVERRIDING SYSTEM VALUE VALUES (10, 'ord_000000000000000000040', 1, 'ORDER_CREATED', 'usr_000000000000000000001', 'usr_s', NULL, NULL, 800000000, false, '2026-11-22 12:00:00.123+00', NULL, '{"id":"ord_000000000000000000040","version":1,"buyer_id":"usr_000000000000000000001","seller_id":"usr_s","amount":800000000,"currency":"USDC","title":"Logo “Ü”","status":"ORDER_CREATED","created_at":"2026-11-22T12:00:00.123000Z","updated_at":"2026-11-22T12:00:00.123000Z"}');
INSERT INTO public.orders OVERRIDING SYSTEM VALUE VALUES (11, 'ord_000000000000000000044', 1, 'ORDER_CREATED', 'usr_000000000000000000001', 'usr_s', NULL, NULL, 800000000, false, '2026-11-22 12:00:00.123+00', NULL, '{"id":"ord_000000000000000000044","version":1,"buyer_id":"usr_000000000000000000001","seller_id":"usr_s","amount":800000000,"currency":"USDC","title":"Logo “Ü”","status":"ORDER_CREATED","created_at":"2026-11-22T12:00:00.123000Z","updated_at":"2026-11-22T12:00:00.123000Z"}');
INSERT INTO public.orders OVERRIDING SYSTEM VALUE VALUES (12, 'ord_000000000000000000048', 1, 'ORDER_CREATED', 'usr_000000000000000000001', 'usr_s', NULL, NULL, 800000000, false, '2026-11-22 12:00:00.123+00', NULL, '{"id":"ord_000000000000000000048","version":1,"buyer_id":"usr_000000000000000000001","seller_id":"usr_s","amount":800000000,"currency":"USDC","title":"Logo “Ü”","status":"ORDER_CREATED","created_at":"2026-11-22T12:00:00.123000Z","updated_at":"2026-11-22T12:00:00.123000Z"}');
INSERT INTO public.orders OVERRIDING SYSTEM VALUE VALUES (13, 'ord_000000000000000000052', 1, 'ORDER_CREATED', 'usr_000000000000000000001', 'usr_s', NULL, NULL, 800000000, false, '2026-11-22 12:00:00.123+00', NULL, '{"id":"ord_000000000000000000052","version":1,"buyer_id":"usr_000000000000000000001","seller_id":"usr_s","amount":800000000,"currency":"USDC","title":"Logo “Ü”","status":"ORDER_CREATED","created_at":"2026-11-22T12:00:00.123000Z","updated_at":"2026-11-22T12:00:00.123000Z"}');


--
-- Data for Name: parked; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: postings_from_000000000001; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.postings_from_000000000001 VALUES (1, 0, 'available/usr_000000000000000000001', 'usr_000000000000000000001', 1000000000);
INSERT INTO public.postings_from_000000000001 VALUES (1, 1, 'external', NULL, -1000000000);
INSERT INTO public.postings_from_000000000001 VALUES (2, 0, 'available/usr_000000000000000000001', 'usr_000000000000000000001', -10000000);
INSERT INTO public.postings_from_000000000001 VALUES (2, 1, 'reserved/usr_000000000000000000001', 'usr_000000000000000000001', 10000000);
INSERT INTO public.postings_from_000000000001 VALUES (3, 0, 'available/usr_000000000000000000001', 'usr_000000000000000000001', -10000000);
INSERT INTO public.postings_from_000000000001 VALUES (3, 1, 'reserved/usr_000000000000000000001', 'usr_000000000000000000001', 10000000);
INSERT INTO public.postings_from_000000000001 VALUES (4, 0, 'available/usr_000000000000000000001', 'usr_000000000000000000001', -10000000);
INSERT INTO public.postings_from_000000000001 VALUES (4, 1, 'reserved/usr_000000000000000000001', 'usr_000000000000000000001', 10000000);
INSERT INTO public.postings_from_000000000001 VALUES (5, 0, 'available/usr_000000000000000000001', 'usr_000000000000000000001', -10000000);
INSERT INTO public.postings_from_000000000001 VALUES (5, 1, 'reserved/usr_000000000000000000001', 'usr_000000000000000000001', 10000000);
INSERT INTO public.postings_from_000000000001 VALUES (6, 0, 'available/usr_000000000000000000001', 'usr_000000000000000000001', -10000000);
INSERT INTO public.postings_from_000000000001 VALUES (6, 1, 'reserved/usr_000000000000000000001', 'usr_000000000000000000001', 10000000);
INSERT INTO public.postings_from_000000000001 VALUES (7, 0, 'available/usr_000000000000000000001', 'usr_000000000000000000001', -10000000);
INSERT INTO public.postings_from_000000000001 VALUES (7, 1, 'reserved/usr_000000000000000000001', 'usr_000000000000000000001', 10000000);
INSERT INTO public.postings_from_000000000001 VALUES (8, 0, 'available/usr_000000000000000000001', 'usr_000000000000000000001', -10000000);
INSERT INTO public.postings_from_000000000001 VALUES (8, 1, 'reserved/usr_000000000000000000001', 'usr_000000000000000000001', 10000000);
INSERT INTO public.postings_from_000000000001 VALUES (9, 0, 'available/usr_000000000000000000001', 'usr_000000000000000000001', -10000000);
INSERT INTO public.postings_from_000000000001 VALUES (9, 1, 'reserved/usr_000000000000000000001', 'usr_000000000000000000001', 10000000);
INSERT INTO public.postings_from_000000000001 VALUES (10, 0, 'available/usr_000000000000000000001', 'usr_000000000000000000001', -10000000);
INSERT INTO public.postings_from_000000000001 VALUES (10, 1, 'reserved/usr_000000000000000000001', 'usr_000000000000000000001', 10000000);


--
-- Data for Name: postings_from_000000000011; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.postings_from_000000000011 VALUES (11, 0, 'available/usr_000000000000000000001', 'usr_000000000000000000001', -10000000);
INSERT INTO public.postings_from_000000000011 VALUES (11, 1, 'reserved/usr_000000000000000000001', 'usr_000000000000000000001', 10000000);
INSERT INTO public.postings_from_000000000011 VALUES (12, 0, 'available/usr_000000000000000000001', 'usr_000000000000000000001', -10000000);
INSERT INTO public.postings_from_000000000011 VALUES (12, 1, 'reserved/usr_000000000000000000001', 'usr_000000000000000000001', 10000000);
INSERT INTO public.postings_from_000000000011 VALUES (13, 0, 'available/usr_000000000000000000001', 'usr_000000000000000000001', -10000000);
INSERT INTO public.postings_from_000000000011 VALUES (13, 1, 'reserved/usr_000000000000000000001', 'usr_000000000000000000001', 10000000);
INSERT INTO public.postings_from_000000000011 VALUES (14, 0, 'available/usr_000000000000000000001', 'usr_000000000000000000001', -10000000);
INSERT INTO public.postings_from_000000000011 VALUES (14, 1, 'reserved/usr_000000000000000000001', 'usr_000000000000000000001', 10000000);


--
-- Data for Name: postings_from_000000000021; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: settings; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: settlements; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: transfer_dedupe; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.transfer_dedupe VALUES ('deposit/1');


--
-- Data for Name: transfer_ids; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.transfer_ids VALUES ('trf_000000000000000000003', 1);
INSERT INTO public.transfer_ids VALUES ('trf_000000000000000000005', 2);
INSERT INTO public.transfer_ids VALUES ('trf_000000000000000000009', 3);
INSERT INTO public.transfer_ids VALUES ('trf_000000000000000000013', 4);
INSERT INTO public.transfer_ids VALUES ('trf_000000000000000000017', 5);
INSERT INTO public.transfer_ids VALUES ('trf_000000000000000000021', 6);
INSERT INTO public.transfer_ids VALUES ('trf_000000000000000000025', 7);
INSERT INTO public.transfer_ids VALUES ('trf_000000000000000000029', 8);
INSERT INTO public.transfer_ids VALUES ('trf_000000000000000000033', 9);
INSERT INTO public.transfer_ids VALUES ('trf_000000000000000000037', 10);
INSERT INTO public.transfer_ids VALUES ('trf_000000000000000000041', 11);
INSERT INTO public.transfer_ids VALUES ('trf_000000000000000000045', 12);
INSERT INTO public.transfer_ids VALUES ('trf_000000000000000000049', 13);
INSERT INTO public.transfer_ids VALUES ('trf_000000000000000000053', 14);


--
-- Data for Name: transfers_from_000000000001; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.transfers_from_000000000001 VALUES (1, 'trf_000000000000000000003', 'deposit', 'reference', 'request:req_1', 'deposit/1', NULL, '2026-11-22 12:00:00.123+00');
INSERT INTO public.transfers_from_000000000001 VALUES (2, 'trf_000000000000000000005', 'reserve', 'reference', 'request:req_1', NULL, NULL, '2026-11-22 12:00:00.123+00');
INSERT INTO public.transfers_from_000000000001 VALUES (3, 'trf_000000000000000000009', 'reserve', 'reference', 'request:req_1', NULL, NULL, '2026-11-22 12:00:00.123+00');
INSERT INTO public.transfers_from_000000000001 VALUES (4, 'trf_000000000000000000013', 'reserve', 'reference', 'request:req_1', NULL, NULL, '2026-11-22 12:00:00.123+00');
INSERT INTO public.transfers_from_000000000001 VALUES (5, 'trf_000000000000000000017', 'reserve', 'reference', 'request:req_1', NULL, NULL, '2026-11-22 12:00:00.123+00');
INSERT INTO public.transfers_from_000000000001 VALUES (6, 'trf_000000000000000000021', 'reserve', 'reference', 'request:req_1', NULL, NULL, '2026-11-22 12:00:00.123+00');
INSERT INTO public.transfers_from_000000000001 VALUES (7, 'trf_000000000000000000025', 'reserve', 'reference', 'request:req_1', NULL, NULL, '2026-11-22 12:00:00.123+00');
INSERT INTO public.transfers_from_000000000001 VALUES (8, 'trf_000000000000000000029', 'reserve', 'reference', 'request:req_1', NULL, NULL, '2026-11-22 12:00:00.123+00');
INSERT INTO public.transfers_from_000000000001 VALUES (9, 'trf_000000000000000000033', 'reserve', 'reference', 'request:req_1', NULL, NULL, '2026-11-22 12:00:00.123+00');
INSERT INTO public.transfers_from_000000000001 VALUES (10, 'trf_000000000000000000037', 'reserve', 'reference', 'request:req_1', NULL, NULL, '2026-11-22 12:00:00.123+00');


--
-- Data for Name: transfers_from_000000000011; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.transfers_from_000000000011 VALUES (11, 'trf_000000000000000000041', 'reserve', 'reference', 'request:req_1', NULL, NULL, '2026-11-22 12:00:00.123+00');
INSERT INTO public.transfers_from_000000000011 VALUES (12, 'trf_000000000000000000045', 'reserve', 'reference', 'request:req_1', NULL, NULL, '2026-11-22 12:00:00.123+00');
INSERT INTO public.transfers_from_000000000011 VALUES (13, 'trf_000000000000000000049', 'reserve', 'reference', 'request:req_1', NULL, NULL, '2026-11-22 12:00:00.123+00');
INSERT INTO public.transfers_from_000000000011 VALUES (14, 'trf_000000000000000000053', 'reserve', 'reference', 'request:req_1', NULL, NULL, '2026-11-22 12:00:00.123+00');


--
-- Data for Name: transfers_from_000000000021; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.users OVERRIDING SYSTEM VALUE VALUES (1, 'usr_000000000000000000001', 1, 'external usr_000000000000000000001', NULL, '{"id":"usr_000000000000000000001","version":1,"external_user_id":"external usr_000000000000000000001","email":null,"type":"BOTH","metadata":{"tags":["a",1,null,{"deep":true}]},"wallet_id":"wal_000000000000000000002","public_key":"Gusr_000000000000000000001","created_at":"2026-11-22T12:00:00.123000Z","updated_at":"2026-11-22T12:00:00.123000Z"}');


--
-- Data for Name: wallets; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: webhooks; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: withdrawals; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: writers; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.writers VALUES ('\x01010101010101010101010101010101', 1, 17, '2026-11-25 01:54:06.220184+00');


--
-- Name: api_keys_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.api_keys_sequence_seq', 1, false);


--
-- Name: api_tokens_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.api_tokens_sequence_seq', 1, false);


--
-- Name: chain_operations_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.chain_operations_sequence_seq', 1, false);


--
-- Name: disputes_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.disputes_sequence_seq', 1, false);


--
-- Name: holds_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.holds_sequence_seq', 1, false);


--
-- Name: manual_changes_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.manual_changes_sequence_seq', 1, false);


--
-- Name: operator_commands_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.operator_commands_sequence_seq', 1, false);


--
-- Name: orders_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.orders_sequence_seq', 13, true);


--
-- Name: parked_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.parked_sequence_seq', 1, false);


--
-- Name: settlements_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.settlements_sequence_seq', 1, false);


--
-- Name: users_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.users_sequence_seq', 1, true);


--
-- Name: wallets_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.wallets_sequence_seq', 1, false);


--
-- Name: webhooks_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.webhooks_sequence_seq', 1, false);


--
-- Name: withdrawals_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.withdrawals_sequence_seq', 1, false);


--
-- Name: _pogo_migration _pogo_migration_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public._pogo_migration
    ADD CONSTRAINT _pogo_migration_pkey PRIMARY KEY (migration_hash, schema_name);


--
-- Name: _pogo_version _pogo_version_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public._pogo_version
    ADD CONSTRAINT _pogo_version_pkey PRIMARY KEY (version);


--
-- Name: api_key_uses api_key_uses_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_key_uses
    ADD CONSTRAINT api_key_uses_pkey PRIMARY KEY (api_key_id);


--
-- Name: api_keys api_keys_digest_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_digest_key UNIQUE (digest);


--
-- Name: api_keys api_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);


--
-- Name: api_keys api_keys_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_sequence_key UNIQUE (sequence);


--
-- Name: api_tokens api_tokens_digest_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_digest_key UNIQUE (digest);


--
-- Name: api_tokens api_tokens_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_pkey PRIMARY KEY (id);


--
-- Name: api_tokens api_tokens_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_sequence_key UNIQUE (sequence);


--
-- Name: audit_from_000000000001 audit_from_000000000001_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_from_000000000001
    ADD CONSTRAINT audit_from_000000000001_pkey PRIMARY KEY (sequence);


--
-- Name: audit audit_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (sequence);


--
-- Name: audit_from_000000000011 audit_from_000000000011_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_from_000000000011
    ADD CONSTRAINT audit_from_000000000011_pkey PRIMARY KEY (sequence);


--
-- Name: audit_from_000000000021 audit_from_000000000021_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_from_000000000021
    ADD CONSTRAINT audit_from_000000000021_pkey PRIMARY KEY (sequence);


--
-- Name: balances balances_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.balances
    ADD CONSTRAINT balances_pkey PRIMARY KEY (user_id);


--
-- Name: chain_operations chain_operations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.chain_operations
    ADD CONSTRAINT chain_operations_pkey PRIMARY KEY (id);


--
-- Name: chain_operations chain_operations_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.chain_operations
    ADD CONSTRAINT chain_operations_sequence_key UNIQUE (sequence);


--
-- Name: checkpoint_sums checkpoint_sums_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.checkpoint_sums
    ADD CONSTRAINT checkpoint_sums_pkey PRIMARY KEY (checkpoint, side, name);


--
-- Name: checkpoints checkpoints_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.checkpoints
    ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (number);


--
-- Name: counters counters_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.counters
    ADD CONSTRAINT counters_pkey PRIMARY KEY (only_row);


--
-- Name: cursors cursors_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cursors
    ADD CONSTRAINT cursors_pkey PRIMARY KEY (name);


--
-- Name: detached_owners detached_owners_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.detached_owners
    ADD CONSTRAINT detached_owners_pkey PRIMARY KEY (id);


--
-- Name: disputes disputes_order_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.disputes
    ADD CONSTRAINT disputes_order_id_key UNIQUE (order_id);


--
-- Name: disputes disputes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.disputes
    ADD CONSTRAINT disputes_pkey PRIMARY KEY (id);


--
-- Name: disputes disputes_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.disputes
    ADD CONSTRAINT disputes_sequence_key UNIQUE (sequence);


--
-- Name: envelopes envelopes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.envelopes
    ADD CONSTRAINT envelopes_pkey PRIMARY KEY (tx_hash);


--
-- Name: events_from_000000000001 events_from_000000000001_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events_from_000000000001
    ADD CONSTRAINT events_from_000000000001_pkey PRIMARY KEY (sequence);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (sequence);


--
-- Name: events_from_000000000011 events_from_000000000011_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events_from_000000000011
    ADD CONSTRAINT events_from_000000000011_pkey PRIMARY KEY (sequence);


--
-- Name: events_from_000000000021 events_from_000000000021_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events_from_000000000021
    ADD CONSTRAINT events_from_000000000021_pkey PRIMARY KEY (sequence);


--
-- Name: event_ids events_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.event_ids
    ADD CONSTRAINT events_id_key PRIMARY KEY (id);


--
-- Name: holdings_from_000000000001 holdings_from_000000000001_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.holdings_from_000000000001
    ADD CONSTRAINT holdings_from_000000000001_pkey PRIMARY KEY (transfer_sequence, place);


--
-- Name: holdings holdings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.holdings
    ADD CONSTRAINT holdings_pkey PRIMARY KEY (transfer_sequence, place);


--
-- Name: holdings_from_000000000011 holdings_from_000000000011_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.holdings_from_000000000011
    ADD CONSTRAINT holdings_from_000000000011_pkey PRIMARY KEY (transfer_sequence, place);


--
-- Name: holdings_from_000000000021 holdings_from_000000000021_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.holdings_from_000000000021
    ADD CONSTRAINT holdings_from_000000000021_pkey PRIMARY KEY (transfer_sequence, place);


--
-- Name: holds holds_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT holds_pkey PRIMARY KEY (id);


--
-- Name: holds holds_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT holds_sequence_key UNIQUE (sequence);


--
-- Name: idempotency idempotency_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (key);


--
-- Name: manual_changes manual_changes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.manual_changes
    ADD CONSTRAINT manual_changes_pkey PRIMARY KEY (id);


--
-- Name: manual_changes manual_changes_reference_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.manual_changes
    ADD CONSTRAINT manual_changes_reference_key UNIQUE (user_id, kind, reference);


--
-- Name: manual_changes manual_changes_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.manual_changes
    ADD CONSTRAINT manual_changes_sequence_key UNIQUE (sequence);


--
-- Name: migration_contents migration_contents_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.migration_contents
    ADD CONSTRAINT migration_contents_pkey PRIMARY KEY (migration_id);


--
-- Name: operator_commands operator_commands_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.operator_commands
    ADD CONSTRAINT operator_commands_pkey PRIMARY KEY (id);


--
-- Name: operator_commands operator_commands_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.operator_commands
    ADD CONSTRAINT operator_commands_sequence_key UNIQUE (sequence);


--
-- Name: orders orders_client_order_ref_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_client_order_ref_key UNIQUE (client_order_ref);


--
-- Name: orders orders_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);


--
-- Name: orders orders_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_sequence_key UNIQUE (sequence);


--
-- Name: parked parked_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.parked
    ADD CONSTRAINT parked_pkey PRIMARY KEY (id);


--
-- Name: parked parked_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.parked
    ADD CONSTRAINT parked_sequence_key UNIQUE (sequence);


--
-- Name: postings_from_000000000001 postings_from_000000000001_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.postings_from_000000000001
    ADD CONSTRAINT postings_from_000000000001_pkey PRIMARY KEY (transfer_sequence, place);


--
-- Name: postings postings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.postings
    ADD CONSTRAINT postings_pkey PRIMARY KEY (transfer_sequence, place);


--
-- Name: postings_from_000000000011 postings_from_000000000011_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.postings_from_000000000011
    ADD CONSTRAINT postings_from_000000000011_pkey PRIMARY KEY (transfer_sequence, place);


--
-- Name: postings_from_000000000021 postings_from_000000000021_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.postings_from_000000000021
    ADD CONSTRAINT postings_from_000000000021_pkey PRIMARY KEY (transfer_sequence, place);


--
-- Name: settings settings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (name);


--
-- Name: settlements settlements_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.settlements
    ADD CONSTRAINT settlements_pkey PRIMARY KEY (id);


--
-- Name: settlements settlements_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.settlements
    ADD CONSTRAINT settlements_sequence_key UNIQUE (sequence);


--
-- Name: transfer_dedupe transfers_dedupe_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transfer_dedupe
    ADD CONSTRAINT transfers_dedupe_key PRIMARY KEY (key);


--
-- Name: transfers_from_000000000001 transfers_from_000000000001_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transfers_from_000000000001
    ADD CONSTRAINT transfers_from_000000000001_pkey PRIMARY KEY (sequence);


--
-- Name: transfers transfers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transfers
    ADD CONSTRAINT transfers_pkey PRIMARY KEY (sequence);


--
-- Name: transfers_from_000000000011 transfers_from_000000000011_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transfers_from_000000000011
    ADD CONSTRAINT transfers_from_000000000011_pkey PRIMARY KEY (sequence);


--
-- Name: transfers_from_000000000021 transfers_from_000000000021_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transfers_from_000000000021
    ADD CONSTRAINT transfers_from_000000000021_pkey PRIMARY KEY (sequence);


--
-- Name: transfer_ids transfers_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transfer_ids
    ADD CONSTRAINT transfers_id_key PRIMARY KEY (id);


--
-- Name: users users_external_user_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_external_user_id_key UNIQUE (external_user_id);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);


--
-- Name: users users_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_sequence_key UNIQUE (sequence);


--
-- Name: wallets wallets_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.wallets
    ADD CONSTRAINT wallets_pkey PRIMARY KEY (id);


--
-- Name: wallets wallets_public_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.wallets
    ADD CONSTRAINT wallets_public_key_key UNIQUE (public_key);


--
-- Name: wallets wallets_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.wallets
    ADD CONSTRAINT wallets_sequence_key UNIQUE (sequence);


--
-- Name: webhooks webhooks_event_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_event_key UNIQUE (source, event_id);


--
-- Name: webhooks webhooks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (id);


--
-- Name: webhooks webhooks_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_sequence_key UNIQUE (sequence);


--
-- Name: withdrawals withdrawals_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.withdrawals
    ADD CONSTRAINT withdrawals_pkey PRIMARY KEY (id);


--
-- Name: withdrawals withdrawals_sequence_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.withdrawals
    ADD CONSTRAINT withdrawals_sequence_key UNIQUE (sequence);


--
-- Name: writers writers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.writers
    ADD CONSTRAINT writers_pkey PRIMARY KEY (id);


--
-- Name: api_keys_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX api_keys_due ON public.api_keys USING btree (due_at, id COLLATE "C") WHERE (due_at IS NOT NULL);


--
-- Name: api_tokens_by_end; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX api_tokens_by_end ON public.api_tokens USING btree (expires_at);


--
-- Name: api_tokens_by_key; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX api_tokens_by_key ON public.api_tokens USING btree (api_key_id);


--
-- Name: audit_by_action; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_by_action ON ONLY public.audit USING btree (action, at, sequence);


--
-- Name: audit_by_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_by_id ON ONLY public.audit USING btree (id);


--
-- Name: audit_by_moment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_by_moment ON ONLY public.audit USING btree (at, sequence);


--
-- Name: audit_by_resource; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_by_resource ON ONLY public.audit USING btree (resource_id, at, sequence);


--
-- Name: audit_by_type; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_by_type ON ONLY public.audit USING btree (resource_type, at, sequence);


--
-- Name: audit_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_by_user ON ONLY public.audit USING btree (user_id, at, sequence) WHERE (user_id IS NOT NULL);


--
-- Name: audit_from_000000000001_action_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000001_action_at_sequence_idx ON public.audit_from_000000000001 USING btree (action, at, sequence);


--
-- Name: audit_from_000000000001_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000001_at_sequence_idx ON public.audit_from_000000000001 USING btree (at, sequence);


--
-- Name: audit_from_000000000001_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000001_id_idx ON public.audit_from_000000000001 USING btree (id);


--
-- Name: audit_from_000000000001_resource_id_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000001_resource_id_at_sequence_idx ON public.audit_from_000000000001 USING btree (resource_id, at, sequence);


--
-- Name: audit_from_000000000001_resource_type_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000001_resource_type_at_sequence_idx ON public.audit_from_000000000001 USING btree (resource_type, at, sequence);


--
-- Name: audit_from_000000000001_user_id_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000001_user_id_at_sequence_idx ON public.audit_from_000000000001 USING btree (user_id, at, sequence) WHERE (user_id IS NOT NULL);


--
-- Name: audit_from_000000000011_action_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000011_action_at_sequence_idx ON public.audit_from_000000000011 USING btree (action, at, sequence);


--
-- Name: audit_from_000000000011_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000011_at_sequence_idx ON public.audit_from_000000000011 USING btree (at, sequence);


--
-- Name: audit_from_000000000011_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000011_id_idx ON public.audit_from_000000000011 USING btree (id);


--
-- Name: audit_from_000000000011_resource_id_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000011_resource_id_at_sequence_idx ON public.audit_from_000000000011 USING btree (resource_id, at, sequence);


--
-- Name: audit_from_000000000011_resource_type_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000011_resource_type_at_sequence_idx ON public.audit_from_000000000011 USING btree (resource_type, at, sequence);


--
-- Name: audit_from_000000000011_user_id_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000011_user_id_at_sequence_idx ON public.audit_from_000000000011 USING btree (user_id, at, sequence) WHERE (user_id IS NOT NULL);


--
-- Name: audit_from_000000000021_action_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000021_action_at_sequence_idx ON public.audit_from_000000000021 USING btree (action, at, sequence);


--
-- Name: audit_from_000000000021_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000021_at_sequence_idx ON public.audit_from_000000000021 USING btree (at, sequence);


--
-- Name: audit_from_000000000021_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000021_id_idx ON public.audit_from_000000000021 USING btree (id);


--
-- Name: audit_from_000000000021_resource_id_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000021_resource_id_at_sequence_idx ON public.audit_from_000000000021 USING btree (resource_id, at, sequence);


--
-- Name: audit_from_000000000021_resource_type_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000021_resource_type_at_sequence_idx ON public.audit_from_000000000021 USING btree (resource_type, at, sequence);


--
-- Name: audit_from_000000000021_user_id_at_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_from_000000000021_user_id_at_sequence_idx ON public.audit_from_000000000021 USING btree (user_id, at, sequence) WHERE (user_id IS NOT NULL);


--
-- Name: balances_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX balances_due ON public.balances USING btree (due, user_id) WHERE (due <> 0);


--
-- Name: chain_operations_by_hash; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chain_operations_by_hash ON public.chain_operations USING btree (tx_hash) WHERE (tx_hash IS NOT NULL);


--
-- Name: chain_operations_by_subject; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chain_operations_by_subject ON public.chain_operations USING btree (subject_id, sequence);


--
-- Name: chain_operations_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chain_operations_due ON public.chain_operations USING btree (due_at, id COLLATE "C") WHERE (due_at IS NOT NULL);


--
-- Name: chain_operations_of_lane; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chain_operations_of_lane ON public.chain_operations USING btree (source, ((tx_hash IS NULL)), sequence) WHERE is_open;


--
-- Name: chain_operations_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chain_operations_open ON public.chain_operations USING btree (sequence) WHERE is_open;


--
-- Name: disputes_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX disputes_open ON public.disputes USING btree (status, sequence) WHERE (status <> 'RESOLVED'::text);


--
-- Name: events_by_moment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_by_moment ON ONLY public.events USING btree (moment, sequence);


--
-- Name: events_by_order; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_by_order ON ONLY public.events USING btree (order_id, sequence) WHERE (order_id IS NOT NULL);


--
-- Name: events_from_000000000001_moment_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_from_000000000001_moment_sequence_idx ON public.events_from_000000000001 USING btree (moment, sequence);


--
-- Name: events_from_000000000001_order_id_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_from_000000000001_order_id_sequence_idx ON public.events_from_000000000001 USING btree (order_id, sequence) WHERE (order_id IS NOT NULL);


--
-- Name: events_from_000000000011_moment_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_from_000000000011_moment_sequence_idx ON public.events_from_000000000011 USING btree (moment, sequence);


--
-- Name: events_from_000000000011_order_id_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_from_000000000011_order_id_sequence_idx ON public.events_from_000000000011 USING btree (order_id, sequence) WHERE (order_id IS NOT NULL);


--
-- Name: events_from_000000000021_moment_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_from_000000000021_moment_sequence_idx ON public.events_from_000000000021 USING btree (moment, sequence);


--
-- Name: events_from_000000000021_order_id_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_from_000000000021_order_id_sequence_idx ON public.events_from_000000000021 USING btree (order_id, sequence) WHERE (order_id IS NOT NULL);


--
-- Name: holds_open_key; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX holds_open_key ON public.holds USING btree (user_id, reference) WHERE (remaining > 0);


--
-- Name: idempotency_by_age; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_by_age ON public.idempotency USING btree (created_at);


--
-- Name: operator_commands_ended; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX operator_commands_ended ON public.operator_commands USING btree (ended_at) WHERE (ended_at IS NOT NULL);


--
-- Name: operator_commands_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX operator_commands_open ON public.operator_commands USING btree (sequence) WHERE (ended_at IS NULL);


--
-- Name: orders_by_age; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX orders_by_age ON public.orders USING btree (created_at, sequence);


--
-- Name: orders_by_buyer; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX orders_by_buyer ON public.orders USING btree (buyer_id, created_at, sequence);


--
-- Name: orders_by_contract; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX orders_by_contract ON public.orders USING btree (contract_id) WHERE (contract_id IS NOT NULL);


--
-- Name: orders_by_seller; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX orders_by_seller ON public.orders USING btree (seller_id, created_at, sequence);


--
-- Name: orders_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX orders_due ON public.orders USING btree (due_at, id COLLATE "C") WHERE (due_at IS NOT NULL);


--
-- Name: orders_holding; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX orders_holding ON public.orders USING btree (sequence) WHERE ((contract_id IS NOT NULL) AND (status <> 'CLOSED'::text));


--
-- Name: orders_in_flight; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX orders_in_flight ON public.orders USING btree (sequence) WHERE in_flight;


--
-- Name: orders_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX orders_open ON public.orders USING btree (status, created_at, sequence) WHERE (status <> 'CLOSED'::text);


--
-- Name: parked_money; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX parked_money ON public.parked USING btree (user_id) WHERE (is_open AND (user_id IS NOT NULL));


--
-- Name: parked_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX parked_open ON public.parked USING btree (sequence) WHERE is_open;


--
-- Name: postings_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX postings_by_user ON ONLY public.postings USING btree (user_id, transfer_sequence) WHERE (user_id IS NOT NULL);


--
-- Name: postings_from_000000000001_user_id_transfer_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX postings_from_000000000001_user_id_transfer_sequence_idx ON public.postings_from_000000000001 USING btree (user_id, transfer_sequence) WHERE (user_id IS NOT NULL);


--
-- Name: postings_from_000000000011_user_id_transfer_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX postings_from_000000000011_user_id_transfer_sequence_idx ON public.postings_from_000000000011 USING btree (user_id, transfer_sequence) WHERE (user_id IS NOT NULL);


--
-- Name: postings_from_000000000021_user_id_transfer_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX postings_from_000000000021_user_id_transfer_sequence_idx ON public.postings_from_000000000021 USING btree (user_id, transfer_sequence) WHERE (user_id IS NOT NULL);


--
-- Name: settlements_in_flight; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX settlements_in_flight ON public.settlements USING btree (sequence) WHERE in_flight;


--
-- Name: transfers_by_reference; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX transfers_by_reference ON ONLY public.transfers USING btree (reference);


--
-- Name: transfers_from_000000000001_reference_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX transfers_from_000000000001_reference_idx ON public.transfers_from_000000000001 USING btree (reference);


--
-- Name: transfers_from_000000000011_reference_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX transfers_from_000000000011_reference_idx ON public.transfers_from_000000000011 USING btree (reference);


--
-- Name: transfers_from_000000000021_reference_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX transfers_from_000000000021_reference_idx ON public.transfers_from_000000000021 USING btree (reference);


--
-- Name: users_by_email; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX users_by_email ON public.users USING btree (email, sequence) WHERE (email IS NOT NULL);


--
-- Name: wallets_activating; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX wallets_activating ON public.wallets USING btree (sequence) WHERE ((role = 'user'::text) AND (status = 'ACTIVATING'::text));


--
-- Name: wallets_active; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX wallets_active ON public.wallets USING btree (public_key COLLATE "C") WHERE ((role = 'user'::text) AND (status = 'ACTIVE'::text));


--
-- Name: wallets_by_key; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX wallets_by_key ON public.wallets USING btree (key_version, sequence);


--
-- Name: wallets_of_platform; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX wallets_of_platform ON public.wallets USING btree (sequence) WHERE (role <> 'user'::text);


--
-- Name: webhooks_by_end; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX webhooks_by_end ON public.webhooks USING btree (ended_at) WHERE (ended_at IS NOT NULL);


--
-- Name: webhooks_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX webhooks_due ON public.webhooks USING btree (due_at, id COLLATE "C") WHERE (due_at IS NOT NULL);


--
-- Name: withdrawals_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX withdrawals_by_user ON public.withdrawals USING btree (user_id, sequence);


--
-- Name: withdrawals_in_flight; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX withdrawals_in_flight ON public.withdrawals USING btree (sequence) WHERE in_flight;


--
-- Name: withdrawals_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX withdrawals_open ON public.withdrawals USING btree (user_id) WHERE (status <> ALL (ARRAY['WITHDRAWAL_COMPLETED'::text, 'WITHDRAWAL_FAILED'::text, 'WITHDRAWAL_CANCELED'::text]));


--
-- Name: audit_from_000000000011_action_at_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_by_action ATTACH PARTITION public.audit_from_000000000011_action_at_sequence_idx;


--
-- Name: audit_from_000000000011_at_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_by_moment ATTACH PARTITION public.audit_from_000000000011_at_sequence_idx;


--
-- Name: audit_from_000000000011_id_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_by_id ATTACH PARTITION public.audit_from_000000000011_id_idx;


--
-- Name: audit_from_000000000011_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_pkey ATTACH PARTITION public.audit_from_000000000011_pkey;


--
-- Name: audit_from_000000000011_resource_id_at_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_by_resource ATTACH PARTITION public.audit_from_000000000011_resource_id_at_sequence_idx;


--
-- Name: audit_from_000000000011_resource_type_at_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_by_type ATTACH PARTITION public.audit_from_000000000011_resource_type_at_sequence_idx;


--
-- Name: audit_from_000000000011_user_id_at_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_by_user ATTACH PARTITION public.audit_from_000000000011_user_id_at_sequence_idx;


--
-- Name: audit_from_000000000021_action_at_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_by_action ATTACH PARTITION public.audit_from_000000000021_action_at_sequence_idx;


--
-- Name: audit_from_000000000021_at_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_by_moment ATTACH PARTITION public.audit_from_000000000021_at_sequence_idx;


--
-- Name: audit_from_000000000021_id_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_by_id ATTACH PARTITION public.audit_from_000000000021_id_idx;


--
-- Name: audit_from_000000000021_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_pkey ATTACH PARTITION public.audit_from_000000000021_pkey;


--
-- Name: audit_from_000000000021_resource_id_at_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_by_resource ATTACH PARTITION public.audit_from_000000000021_resource_id_at_sequence_idx;


--
-- Name: audit_from_000000000021_resource_type_at_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_by_type ATTACH PARTITION public.audit_from_000000000021_resource_type_at_sequence_idx;


--
-- Name: audit_from_000000000021_user_id_at_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.audit_by_user ATTACH PARTITION public.audit_from_000000000021_user_id_at_sequence_idx;


--
-- Name: events_from_000000000011_moment_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.events_by_moment ATTACH PARTITION public.events_from_000000000011_moment_sequence_idx;


--
-- Name: events_from_000000000011_order_id_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.events_by_order ATTACH PARTITION public.events_from_000000000011_order_id_sequence_idx;


--
-- Name: events_from_000000000011_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.events_pkey ATTACH PARTITION public.events_from_000000000011_pkey;


--
-- Name: events_from_000000000021_moment_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.events_by_moment ATTACH PARTITION public.events_from_000000000021_moment_sequence_idx;


--
-- Name: events_from_000000000021_order_id_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.events_by_order ATTACH PARTITION public.events_from_000000000021_order_id_sequence_idx;


--
-- Name: events_from_000000000021_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.events_pkey ATTACH PARTITION public.events_from_000000000021_pkey;


--
-- Name: holdings_from_000000000011_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.holdings_pkey ATTACH PARTITION public.holdings_from_000000000011_pkey;


--
-- Name: holdings_from_000000000021_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.holdings_pkey ATTACH PARTITION public.holdings_from_000000000021_pkey;


--
-- Name: postings_from_000000000011_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.postings_pkey ATTACH PARTITION public.postings_from_000000000011_pkey;


--
-- Name: postings_from_000000000011_user_id_transfer_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.postings_by_user ATTACH PARTITION public.postings_from_000000000011_user_id_transfer_sequence_idx;


--
-- Name: postings_from_000000000021_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.postings_pkey ATTACH PARTITION public.postings_from_000000000021_pkey;


--
-- Name: postings_from_000000000021_user_id_transfer_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.postings_by_user ATTACH PARTITION public.postings_from_000000000021_user_id_transfer_sequence_idx;


--
-- Name: transfers_from_000000000011_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.transfers_pkey ATTACH PARTITION public.transfers_from_000000000011_pkey;


--
-- Name: transfers_from_000000000011_reference_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.transfers_by_reference ATTACH PARTITION public.transfers_from_000000000011_reference_idx;


--
-- Name: transfers_from_000000000021_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.transfers_pkey ATTACH PARTITION public.transfers_from_000000000021_pkey;


--
-- Name: transfers_from_000000000021_reference_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.transfers_by_reference ATTACH PARTITION public.transfers_from_000000000021_reference_idx;


--
-- Name: audit append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: audit_from_000000000001 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_from_000000000001 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: audit_from_000000000011 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_from_000000000011 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: audit_from_000000000021 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_from_000000000021 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: checkpoints append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.checkpoints FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: events append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: events_from_000000000001 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.events_from_000000000001 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: events_from_000000000011 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.events_from_000000000011 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: events_from_000000000021 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.events_from_000000000021 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: holdings append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.holdings FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: holdings_from_000000000001 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.holdings_from_000000000001 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: holdings_from_000000000011 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.holdings_from_000000000011 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: holdings_from_000000000021 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.holdings_from_000000000021 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: postings append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.postings FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: postings_from_000000000001 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.postings_from_000000000001 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: postings_from_000000000011 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.postings_from_000000000011 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: postings_from_000000000021 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.postings_from_000000000021 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: transfers append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.transfers FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: transfers_from_000000000001 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.transfers_from_000000000001 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: transfers_from_000000000011 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.transfers_from_000000000011 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: transfers_from_000000000021 append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.transfers_from_000000000021 FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();


--
-- Name: postings balanced; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER balanced AFTER INSERT ON public.postings REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_unbalanced();


--
-- Name: postings_from_000000000001 balanced; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER balanced AFTER INSERT ON public.postings_from_000000000001 REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_unbalanced();


--
-- Name: postings_from_000000000011 balanced; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER balanced AFTER INSERT ON public.postings_from_000000000011 REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_unbalanced();


--
-- Name: postings_from_000000000021 balanced; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER balanced AFTER INSERT ON public.postings_from_000000000021 REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_unbalanced();


--
-- Name: operator_commands noticed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER noticed AFTER INSERT ON public.operator_commands FOR EACH STATEMENT EXECUTE FUNCTION public.notify_of_command();


--
-- Name: balances balances_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.balances
    ADD CONSTRAINT balances_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);


--
-- PostgreSQL database dump complete
--


