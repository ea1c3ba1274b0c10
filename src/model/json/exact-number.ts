/**
 * Number of a JSON text that a JavaScript number would not print as it stands: 12345678901234567890, 1.10 or 1e400. It counts as its
 * digits wherever a text is expected, and as the nearest JavaScript number in arithmetic.
 */
export class ExactNumber {
  /** The number as it stands in the JSON text. */
  readonly digits: string
  /** An own property, so that `structuredClone` throws: without it, it would return another object in place of the number. */
  readonly toJSON = digitsOf

  /** @param digits a valid JSON number. */
  constructor(digits: string) {
    this.digits = digits
    // Printed as it is: a transform must not change it.
    Object.freeze(this)
  }

  toString(): string {
    return this.digits
  }

  valueOf(): number {
    return Number(this.digits)
  }
}

function digitsOf(this: ExactNumber): string {
  return this.digits
}

/** Returns true if the nearest JavaScript number has the same value: of 1.10, but not of 12345678901234567890. */
export function fitsNumber(exact: ExactNumber): boolean {
  const nearest = exact.valueOf()
  return Number.isFinite(nearest) && decimalOf(nearest) === decimalOf(exact)
}

/** Returns a number in a form that is the same for the same value: of 1.10, 1.1 and 11e-1. */
export function decimalOf(number: number | ExactNumber): ExactNumber['digits'] {
  const text = String(number)
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = pattern.exec(text) ?? []
  const digits = (whole + fraction).replace(/^0+/, '')
  if (digits === '') return '0'
  let end = digits.length
  while (digits[end - 1] === '0') end--
  const scale = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - end)
  return `${sign}${digits.slice(0, end)}e${scale}`
}

const pattern = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/
