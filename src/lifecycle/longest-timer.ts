/** Longest delay of a timer, milliseconds (24.8 days): a timer with a longer one fires immediately. Node.js manual, `setTimeout`. */
export const longestTimerMs = 2 ** 31 - 1
