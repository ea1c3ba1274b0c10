-- Each row is written twice for a delivery: room on its page keeps both from touching the indexes.
ALTER TABLE "delivery" SET (fillfactor = 75);
