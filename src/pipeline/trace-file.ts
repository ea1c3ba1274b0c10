import { createWriteStream } from 'node:fs'
import { type Core, createCore } from './core/core.ts'
import type { CoreOptions } from './core/options.ts'
import { recordTrace } from './trace.ts'

/**
 * Returns a core that appends its events and effects to a file, without row values; `npm run replay` drives a core with them again.
 * Null: to none. A file that cannot be written ends the trace and nothing else. @param onFailure told why.
 */
export function tracedCore(path: string | null, options: CoreOptions, onFailure: (error: Error) => void): Core {
  const core = createCore(options)
  if (path === null) return core
  const file = createWriteStream(path, { flags: 'a' })
  file.on('error', onFailure)
  return recordTrace(core, options, (line) => file.write(`${line}\n`))
}
