import { appendFileSync } from 'node:fs'
import { type Core, createCore } from './core/core.ts'
import type { CoreOptions } from './core/options.ts'
import { recordTrace } from './trace.ts'

/**
 * Returns a core that appends its events and effects to a file, without row values; `npm run replay` drives a core with them again.
 * Null: to none. Written at once and in one piece for each turn of the event loop: a process that is killed loses its last turn, and
 * memory holds no more than that. A file that cannot be written ends the trace and nothing else. @param onFailure told why.
 */
export function tracedCore(path: string | null, options: CoreOptions, onFailure: (error: unknown) => void): Core {
  const core = createCore(options)
  if (path === null) return core
  let lines: string[] = []
  let isOver = false

  function flush(file: string): void {
    // The line before may have been cut by the end of its process.
    const text = `\n${lines.join('\n')}\n`
    lines = []
    try {
      appendFileSync(file, text)
    } catch (error) {
      isOver = true
      onFailure(error)
    }
  }

  return recordTrace(core, options, (line) => {
    if (isOver) return
    if (lines.length === 0) setImmediate(flush, path)
    lines.push(line)
  })
}
