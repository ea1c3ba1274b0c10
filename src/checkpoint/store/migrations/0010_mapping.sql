CREATE TABLE "mapping" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "mapping_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"hash" text NOT NULL,
	"first_used_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "backfill" ADD COLUMN "mapping" integer;--> statement-breakpoint
ALTER TABLE "checkpoint" ADD COLUMN "mapping" integer;--> statement-breakpoint
ALTER TABLE "checkpoint" ADD COLUMN "complete_mapping" integer;--> statement-breakpoint
ALTER TABLE "delivery" ADD COLUMN "mapping" integer;