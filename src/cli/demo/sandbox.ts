import { aborted } from '../../lifecycle/aborted.ts'
import { startSandboxApi } from '../../sandbox/api/api-server.ts'
import { defaultKeys } from '../../sandbox/api/sandbox-state.ts'
import { type CliContext, textOption } from '../context.ts'

/** Runs the sandbox API until it gets a signal to stop. */
export async function sandboxCommand(context: CliContext, options: Record<string, unknown>): Promise<number> {
  const port = Number(textOption(options, 'port') ?? 8090)
  const host = textOption(options, 'host') ?? '127.0.0.1'
  const sandbox = await startSandboxApi({ host, port, recordPatients: options.recordPatients === true })
  context.print(`MEDIQUO_BASE_URL=${sandbox.baseUrl}`)
  context.print(`MEDIQUO_API_KEY=${defaultKeys.apiKey}`)
  context.print(`MEDIQUO_SECRET_KEY=${defaultKeys.secretKey}`)
  context.print(`admin: ${sandbox.adminUrl}`)
  await aborted(context.stop)
  await sandbox.close()
  return 0
}
