CREATE TABLE "mapping" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "mapping_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"hash" text NOT NULL,
	"first_used_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "backfill" ADD COLUMN "mapping" integer;--> statement-breakpoint
ALTER TABLE "checkpoint" ADD COLUMN "mapping" integer;--> statement-breakpoint
ALTER TABLE "checkpoint" ADD COLUMN "complete_mapping" integer;--> statement-breakpoint
ALTER TABLE "delivery" ADD COLUMN "mapping" integer;--> statement-breakpoint
ALTER TABLE "delivery" ADD COLUMN "full_key" text;--> statement-breakpoint
ALTER TABLE "delivery" ADD COLUMN "removed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "dead_letter" ADD COLUMN "full_key" text;--> statement-breakpoint
-- Text in a database of another encoding: its UTF-8 bytes from now on, which any single-byte encoding takes as they are.
DO $$
DECLARE
	encoding text := getdatabaseencoding();
BEGIN
	IF encoding = 'SQL_ASCII' OR (SELECT pg_encoding_max_length(d.encoding) > 1 FROM pg_database d WHERE datname = current_database()) THEN
		RETURN;
	END IF;
	CREATE FUNCTION recoded(value text) RETURNS text LANGUAGE sql AS
		$sql$ SELECT convert_from(convert_to(value, 'UTF8'), getdatabaseencoding()) $sql$;
	-- The prefix keeps a recoded key from meeting another key that is not recoded yet.
	UPDATE delivery SET source_key = '#' || recoded(source_key) WHERE source_key <> recoded(source_key);
	UPDATE delivery SET source_key = substr(source_key, 2) WHERE starts_with(source_key, '#');
	UPDATE delivery SET code = recoded(code), next_code = recoded(next_code), former_codes = recoded(former_codes::text)::text[]
		WHERE code <> recoded(code) OR next_code <> recoded(next_code) OR former_codes::text <> recoded(former_codes::text);
	UPDATE dead_letter SET source_key = '#' || recoded(source_key) WHERE source_key <> recoded(source_key);
	UPDATE dead_letter SET source_key = substr(source_key, 2) WHERE starts_with(source_key, '#');
	UPDATE dead_letter SET code = recoded(code) WHERE code <> recoded(code);
	UPDATE backfill SET codes = recoded(codes::text)::jsonb, keys = recoded(keys::text)::jsonb, position = recoded(position::text)::jsonb;
	UPDATE checkpoint SET source_table = recoded(source_table), source_shape = recoded(source_shape::text)::jsonb;
	DROP FUNCTION recoded(text);
END $$;
