/** Returns a duration with two digits, also one as short as a request. */
export function shortTime(seconds: number): string {
  if (seconds < 0.001) return '0 ms'
  if (seconds < 0.9995) return `${twoDigits(seconds * 1000)} ms`
  if (seconds < 90) return `${twoDigits(seconds)} s`
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`
}

/** Returns the time since a moment, in words; after the clock was set back, zero. */
export function ago(time: string | Date, wallClockMs: number): string {
  const seconds = Math.max(0, (wallClockMs - new Date(time).getTime()) / 1000)
  if (seconds < 2) return 'just now'
  if (seconds < 90) return `${Math.floor(seconds)} s ago`
  if (seconds < 5_400) return `${Math.floor(seconds / 60)} min ago`
  return seconds < 129_600 ? `${Math.floor(seconds / 3_600)} h ago` : `${Math.floor(seconds / 86_400)} days ago`
}

/** Returns a time as in the logs, without the fraction. */
export function moment(time: string | number | Date): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** Replaces control and format characters in a name from the table or the API: they could reverse the text around it. */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\uFFFD')
}

function twoDigits(figure: number): string {
  return figure < 9.95 ? figure.toFixed(1).replace(/\.0$/, '') : String(Math.round(figure))
}
