ALTER TABLE "checkpoint" ADD COLUMN "database_oid" text;--> statement-breakpoint
ALTER TABLE "checkpoint" ADD COLUMN "store_identity" text;