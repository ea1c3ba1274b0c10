ALTER TABLE "delivery" ADD COLUMN "unaccepted_codes" text[];--> statement-breakpoint
ALTER TABLE "delivery" ADD COLUMN "sought_since" timestamp with time zone;