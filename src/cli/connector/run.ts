import { loadSettings } from '../../config/load.ts'
import { supervise } from '../../supervisor/supervise.ts'
import { createLogger } from '../../telemetry/logger.ts'
import type { OptionsOf } from '../command-options.ts'
import type { CliContext } from '../context.ts'

/** Streams until the process gets a signal to stop. @returns 0 once drained. */
export async function runCommand(context: CliContext, options: OptionsOf<'run'>): Promise<number> {
  const { env, cwd, version, runtime } = context
  const settings = loadSettings({ configPath: options.config, env, cwd })
  const logger = createLogger(settings.log.level)
  const { PGOPTIONS: environmentOptions = '', TRACE_FILE: traceFile = null } = env
  await supervise({
    settings,
    telemetry: { version, logger, traceFile },
    sessions: { environmentOptions },
    drain: runtime.stop,
  })
  return 0
}
