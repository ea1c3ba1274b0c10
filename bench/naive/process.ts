import { fileURLToPath } from 'node:url'
import { startProcess } from '../built-process.ts'
import { publication, type Stand } from '../stand.ts'

const program = fileURLToPath(new URL('connector.ts', import.meta.url))

/** Starts the naive connector in a process of its own. Requires slot and publication. */
export async function startNaive(
  stand: Stand,
  { slot, timeZone }: { readonly slot: string; readonly timeZone: string },
) {
  const { baseUrl, keys } = stand.sandbox
  const env = {
    DATABASE_URL: stand.server.url(),
    SLOT: slot,
    PUBLICATION: publication,
    BASE_URL: baseUrl,
    API_KEY: keys.apiKey,
    SECRET_KEY: keys.secretKey,
    TZ: timeZone,
  }
  const running = startProcess(['--import', 'tsx', program], env)
  await running.line((line) => (line === 'streaming' ? line : null))
  return running
}
