/** A whole number with its thousands apart. */
export function grouped(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}

/** `1 row`, `2 rows`. @param many left out: an s is added. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}

/** A duration that may be as short as a request, to two digits. */
export function shortTime(seconds: number): string {
  if (seconds < 0.001) return '0 ms'
  if (seconds < 0.9995) return `${twoDigits(seconds * 1000)} ms`
  if (seconds < 90) return `${twoDigits(seconds)} s`
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`
}

/** How long ago a time was; a clock that was set back makes it now. */
export function ago(time: string | Date, wallClockMs: number): string {
  const seconds = Math.max(0, (wallClockMs - new Date(time).getTime()) / 1000)
  if (seconds < 2) return 'just now'
  if (seconds < 90) return `${Math.floor(seconds)} s ago`
  if (seconds < 5_400) return `${Math.floor(seconds / 60)} min ago`
  return seconds < 129_600 ? `${Math.floor(seconds / 3_600)} h ago` : `${Math.floor(seconds / 86_400)} days ago`
}

/** A moment as logs have it, without the fraction. */
export function moment(time: string | number | Date): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** A name out of the customer's table, or an attribute out of the API's answer: it must not turn text around it. */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\uFFFD')
}

function twoDigits(figure: number): string {
  return figure < 9.95 ? figure.toFixed(1).replace(/\.0$/, '') : String(Math.round(figure))
}
