import { Tokenizer, TokenParser } from '@streamparser/json'
import { ExactNumber } from './exact-number.ts'

/** Parses JSON like `JSON.parse`, except that a number that it would change becomes an `ExactNumber`. @throws if it is not JSON. */
export function parseExactly(text: string): unknown {
  const tokenizer = new ExactTokenizer()
  const parser = new TokenParser()
  let whole: { readonly value: unknown } | null = null
  tokenizer.onToken = (token) => parser.write(token)
  parser.onValue = ({ value, stack }) => {
    if (stack.length === 0) whole = { value }
  }
  tokenizer.write(text)
  if (!tokenizer.isEnded) tokenizer.end()
  return finished(whole)
}

class ExactTokenizer extends Tokenizer {
  protected override parseNumber(text: string): number {
    const number = Number(text)
    return String(number) === text ? number : asToken(new ExactNumber(text))
  }
}

/** The only place where the parser is told that an `ExactNumber` is a number: it passes the values of its tokens on as they are. */
function asToken(exact: ExactNumber): number {
  return exact as unknown as number
}

/** @throws {SyntaxError} if the text ended before its value. */
function finished(whole: { readonly value: unknown } | null): unknown {
  if (whole === null) throw new SyntaxError('not a whole JSON value')
  return whole.value
}
