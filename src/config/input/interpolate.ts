import type { Environment } from './environment.ts'

/** Text with its variables replaced, or the fault. */
export type Interpolated = { readonly text: string } | { readonly fault: string }

const malformed = `has a "\${" that begins neither \${NAME} nor \${NAME:-fallback}; write "$\${" for the characters`
const reference = /\$?\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?/g

/**
 * Replaces `${NAME}` and `${NAME:-fallback}` (the fallback also replaces an empty variable); `$${` is a literal `${`. A variable's content
 * is not interpolated again.
 */
export function interpolate(text: string, env: Environment): Interpolated {
  const faults: string[] = []
  const replaced = text.replaceAll(reference, (match: string, name?: string, fallback?: string) => {
    if (match.startsWith('$$')) return match.slice(1)
    if (name === undefined) {
      faults.push(malformed)
      return match
    }
    const value = env[name]
    if (value !== undefined && (value !== '' || fallback === undefined)) return value
    if (fallback !== undefined) return fallback
    faults.push(`the environment variable ${name} is not set`)
    return match
  })
  return faults.length > 0 ? { fault: [...new Set(faults)].join('; ') } : { text: replaced }
}
