/** The longest time that a timer takes, milliseconds (24.8 days): one that is set for longer fires immediately. Node.js manual, `setTimeout`. */
export const longestTimerMs = 2 ** 31 - 1
