import { execFile } from 'node:child_process'
import { platform, userInfo } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** User and group id of an account of the operating system. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** Returns the account for the server. PostgreSQL refuses to run as root, so that root uses `nobody`; null: the current account. */
export async function serverAccount(): Promise<Account | null> {
  if (platform() === 'win32' || userInfo().uid !== 0) return null
  const [uid, gid] = await Promise.all([nobody('-u'), nobody('-g')])
  return { uid, gid }
}

/** Returns true if the account can reach and execute a program of PostgreSQL. */
export async function runsAs(account: Account, program: string): Promise<boolean> {
  return await run(program, ['--version'], { ...account, cwd: '/' }).then(
    () => true,
    () => false,
  )
}

async function nobody(option: '-u' | '-g'): Promise<number> {
  const id = await run('id', [option, 'nobody']).then(
    ({ stdout }) => Number.parseInt(stdout, 10),
    () => Number.NaN,
  )
  return Number.isNaN(id) ? 65_534 : id
}
