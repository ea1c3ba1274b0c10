DROP INDEX "delivery_former_codes_idx";--> statement-breakpoint
CREATE INDEX "delivery_former_codes_idx" ON "delivery" USING gin ("former_codes") WHERE "delivery"."former_codes" is not null;