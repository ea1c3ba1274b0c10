ALTER TABLE "delivery" ADD COLUMN "unsent_codes" text[];--> statement-breakpoint
ALTER TABLE "delivery" ADD COLUMN "sought_since" timestamp with time zone;