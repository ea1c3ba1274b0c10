ALTER TABLE "checkpoint" ADD COLUMN "read_lsn" "pg_lsn";--> statement-breakpoint
ALTER TABLE "delivery" ADD COLUMN "former_codes" text[];--> statement-breakpoint
ALTER TABLE "delivery" ADD COLUMN "owed" text;--> statement-breakpoint
ALTER TABLE "delivery" ADD COLUMN "next_code" text;--> statement-breakpoint
ALTER TABLE "delivery" ADD COLUMN "owed_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "delivery_owed_at_idx" ON "delivery" USING btree ("owed_at") WHERE "delivery"."owed" is not null;--> statement-breakpoint
CREATE INDEX "delivery_next_code_idx" ON "delivery" USING btree ("next_code") WHERE "delivery"."next_code" is not null;