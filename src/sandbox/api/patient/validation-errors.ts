import type { FieldError } from './validation.ts'

/** How much a 422 tells: every bad patient, the first bad one, its message alone, or nothing to go by. */
export const errorHints = ['errors', 'first error only', 'message only', 'no hint'] as const
export type ErrorHints = (typeof errorHints)[number]

/** A 422's body. */
export interface ValidationErrorBody {
  readonly message: string
  readonly errors?: Readonly<Record<string, readonly string[]>>
}

const generalMessage = 'The given data was invalid.'

/** Words the broken rules in one of the shapes that the API's documentation leaves open. */
export function validationErrorBody(errors: readonly FieldError[], hints: ErrorHints): ValidationErrorBody {
  switch (hints) {
    case 'errors':
      return { message: generalMessage, errors: byPath(errors) }
    case 'first error only':
      return { message: generalMessage, errors: byPath(errors.filter((error) => error.index === errors[0]?.index)) }
    case 'message only':
      return { message: errors[0]?.message ?? generalMessage }
    case 'no hint':
      return { message: generalMessage }
  }
}

function byPath(errors: readonly FieldError[]): Record<string, string[]> {
  const messages: Record<string, string[]> = {}
  for (const { path, message } of errors) {
    const sofar = messages[path]
    if (sofar === undefined) messages[path] = [message]
    else sofar.push(message)
  }
  return messages
}
