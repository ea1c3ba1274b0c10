import { appendFileSync } from 'node:fs'
import { type Core, createCore } from './core/core.ts'
import type { CoreOptions } from './core/options.ts'
import { recordTrace } from './trace.ts'

/**
 * Returns a core that appends its events and effects to a file, without row values; `npm run replay` drives a core with them again.
 * With `path` null it writes nothing. Each turn of the event loop is written synchronously and in one piece: a process that is
 * killed loses its last turn, and memory holds no more than that. If the file cannot be written, only the trace ends. @param
 * onFailure receives the reason.
 */
export function tracedCore(path: string | null, options: CoreOptions, onFailure: (error: unknown) => void): Core {
  const core = createCore(options)
  if (path === null) return core
  let lines: string[] = []
  let isOver = false

  function flush(file: string): void {
    // The previous line may be incomplete: its process may have ended while it wrote.
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
