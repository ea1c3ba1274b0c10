CREATE TABLE "backfill" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "backfill_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"state" text NOT NULL,
	"reason" text NOT NULL,
	"codes" jsonb,
	"position" jsonb,
	"began_in_run" bigint,
	"rows_read" bigint DEFAULT 0 NOT NULL,
	"rows_estimated" bigint,
	"requested_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "checkpoint" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"slot" text NOT NULL,
	"publication" text NOT NULL,
	"source_table" text NOT NULL,
	"system_identifier" text NOT NULL,
	"timeline" integer NOT NULL,
	"lsn" "pg_lsn" NOT NULL,
	"horizon_lsn" "pg_lsn",
	"horizon_ordinal" bigint,
	"run" bigint DEFAULT 0 NOT NULL,
	"slot_gap_xid" bigint,
	"fingerprint_salt" "bytea" NOT NULL,
	"recent_requests" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "dead_letter" (
	"source_key" text PRIMARY KEY NOT NULL,
	"code" text,
	"reason" text NOT NULL,
	"attributes" jsonb NOT NULL,
	"status" integer,
	"attempts" integer DEFAULT 1 NOT NULL,
	"first_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "delivery" (
	"source_key" text PRIMARY KEY NOT NULL,
	"code" text,
	"fingerprint" "bytea",
	"removed" boolean DEFAULT false NOT NULL,
	"lsn" "pg_lsn",
	"ordinal" bigint,
	"xid" bigint
);
--> statement-breakpoint
CREATE INDEX "delivery_code_idx" ON "delivery" USING btree ("code");