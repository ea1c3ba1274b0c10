/** True in `npm run test:long`: tests that have two forms run the long one. */
const isLong = process.env.MEDIQUO_CDC_TEST_LONG === '1'

/**
 * Returns the size of a test: the short form by default, the long form in `npm run test:long`. Both make the same assertions. The long one
 * makes more kills, rows, seeds or minutes.
 */
export function shortOrLong<Short, Long>(short: Short, long: Long): Short | Long {
  return isLong ? long : short
}
