import type { FieldError } from './validation.ts'

/** Detail of a 422: every invalid patient, the first one, its message alone, or nothing. */
export const errorHints = ['errors', 'first error only', 'message only', 'no hint'] as const
export type ErrorHints = (typeof errorHints)[number]

/** Body of a 422. */
export interface ValidationErrorBody {
  readonly message: string
  readonly errors?: Readonly<Record<string, readonly string[]>>
}

const generalMessage = 'The given data was invalid.'

/** Formats the errors in one of the shapes that the API's documentation allows. */
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
