ALTER TABLE "checkpoint" ADD COLUMN "writer" uuid;--> statement-breakpoint
ALTER TABLE "checkpoint" ADD COLUMN "writes" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "checkpoint" ADD COLUMN "previous_writer" uuid;--> statement-breakpoint
ALTER TABLE "checkpoint" ADD COLUMN "previous_writes" bigint;--> statement-breakpoint
ALTER TABLE "checkpoint" ADD COLUMN "leased_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "checkpoint" ADD COLUMN "leased_by" uuid;