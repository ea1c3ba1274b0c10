import { execFileSync } from 'node:child_process'
import { chmod, chown, cp, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { EmbeddedServer } from '../../../src/sandbox/postgres/embedded-server.ts'
import { runCommand } from '../../cli/run-command.ts'
import { workspace } from '../../config/loading.ts'
import { patientsTable, startConnector } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { newClient } from '../../support/postgres/connections.ts'
import { postgresMajor, type TestDatabase, testDatabase } from '../../support/postgres.ts'

/** Server that accepts only TLS with SCRAM, and requires a client certificate from one role. */
let server: EmbeddedServer
let database: TestDatabase
let folder: ReturnType<typeof workspace>
const file = (name: string) => join(folder.cwd, name)

beforeAll(async () => {
  folder = workspace({ 'server.ext': 'subjectAltName=DNS:localhost\n', 'empty.ext': '\n' })
  const openssl = (command: string) => execFileSync('openssl', command.split(' '), { cwd: folder.cwd, stdio: 'pipe' })
  const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
  for (const ca of ['ca', 'other'])
    openssl(`req -x509 ${newKey} -keyout ${ca}.key -out ${ca}.pem -days 2 -subj /CN=${ca}`)
  for (const [name, ext] of [
    ['server', 'server.ext'],
    ['cdc', 'empty.ext'],
  ]) {
    openssl(`req ${newKey} -keyout ${name}.key -out ${name}.csr -subj /CN=${name}`)
    openssl(
      `x509 -req -in ${name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out ${name}.pem -days 2 -extfile ${ext}`,
    )
  }
  openssl('pkcs8 -topk8 -in cdc.key -out locked.key -v2 aes-256-cbc -passout pass:secret-of-the-key')
  server = await ownServer()
  database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  await database.query(`create role cdc login superuser password 'secret'`)
  await server.stop()
  const { uid, gid } = await stat(server.dataDir)
  for (const name of ['ca.pem', 'server.pem', 'server.key']) {
    const placed = join(server.dataDir, name)
    await cp(file(name), placed)
    await chown(placed, uid, gid)
    await chmod(placed, 0o600)
  }
  const rules = join(server.dataDir, 'pg_hba.conf')
  const before = await readFile(rules, 'utf8')
  await writeFile(
    rules,
    `hostssl all cdc all scram-sha-256 clientcert=verify-full
hostssl all all all scram-sha-256
host ${database.name} all all reject\n${before}`,
  )
  await server.start({ ssl: 'on', ssl_ca_file: 'ca.pem', ssl_cert_file: 'server.pem', ssl_key_file: 'server.key' })
})

afterAll(async () => {
  await server.destroy()
  folder[Symbol.dispose]()
})

/** Returns the server's URL with these parameters. */
function url(
  parameters: Readonly<Record<string, string>>,
  { host = 'localhost', user = '', password = '' } = {},
): string {
  const changed = new URL(database.url)
  changed.hostname = host
  if (user !== '') changed.username = user
  if (password !== '') changed.password = password
  for (const [name, value] of Object.entries(parameters)) changed.searchParams.set(name, value)
  return changed.href
}

const keys = { MEDIQUO_API_KEY: 'any', MEDIQUO_SECRET_KEY: 'any', MEDIQUO_BASE_URL: 'http://127.0.0.1:9/v1' }

/** Returns the result of `check` for the source. */
async function answer(
  parameters: Readonly<Record<string, string>>,
  who = {},
  env: Readonly<Record<string, string>> = {},
) {
  const on = { ...database, url: url(parameters, who) }
  const { status, text } = await runCommand(['check'], { database: on }, { ...keys, ...env }).catch(
    (error: unknown) => ({
      status: 2,
      text: String(error),
    }),
  )
  expect(text).not.toContain('secret-of-the-key')
  const found = /(failed|passed) +(?:the source answers: (.*)|PostgreSQL 14 or later)/.exec(text)
  return found ? (found[2] ?? 'connected') : `${status}: ${text}`
}

describe('a server that accepts only TLS', () => {
  test.each([
    ['require', {}, 'connected'],
    ['require', { sslrootcert: 'ca.pem' }, 'connected'],
    // As with libpq, a root certificate is always used.
    ['require', { sslrootcert: 'other.pem' }, 'signed by nobody who is trusted'],
    ['verify-ca', { sslrootcert: 'ca.pem' }, 'connected'],
    ['verify-ca', { sslrootcert: 'other.pem' }, 'signed by nobody who is trusted'],
    ['verify-ca', {}, 'needs an sslrootcert of your own'],
    ['verify-full', { sslrootcert: 'ca.pem' }, 'connected'],
    ['verify-full', { sslrootcert: 'system' }, 'signed by nobody who is trusted'],
    ['verify-full', { sslrootcert: 'missing.pem' }, 'cannot be read (ENOENT)'],
    ['require', { sslrootcert: 'system' }, 'be verify-full'],
    ['disable', {}, 'refuses the user or the way of connecting'],
    ['prefer', {}, 'might go unprotected unnoticed'],
  ])('sslmode=%s %j', async (sslmode, files, expected) => {
    const named = Object.entries(files).map(([name, of]) => [name, of === 'system' ? of : file(of)])
    expect(await answer({ sslmode, ...Object.fromEntries(named) })).toContain(expected)
  })

  test('is identified by its name, not by its address', async () => {
    const parameters = { sslmode: 'verify-full', sslrootcert: file('ca.pem') }
    expect(await answer(parameters, { host: '127.0.0.1' })).toContain('is for another host')
    expect(await answer({ ...parameters, sslmode: 'verify-ca' }, { host: '127.0.0.1' })).toBe('connected')
    // As with libpq, the parameter gives the address.
    expect(await answer({ ...parameters, host: '127.0.0.1' })).toContain('is for another host')
    expect(await answer({ ...parameters, host: 'localhost' }, { host: '127.0.0.1' })).toBe('connected')
  })

  test('is reached by the libpq variables as by the URL', async () => {
    const env = { PGSSLMODE: 'verify-full', PGSSLROOTCERT: file('ca.pem') }
    expect(await answer({}, {}, env)).toBe('connected')
    expect(await answer({}, {}, { ...env, PGSSLROOTCERT: file('other.pem') })).toContain('signed by nobody')
  })

  test.skipIf(postgresMajor < 17)('accepts TLS from the first byte', async () => {
    const parameters = { sslmode: 'verify-full', sslrootcert: file('ca.pem'), sslnegotiation: 'direct' }
    expect(await answer(parameters)).toBe('connected')
  })

  test('that requires a client certificate gets it', async () => {
    const parameters = { sslmode: 'verify-full', sslrootcert: file('ca.pem') }
    const who = { user: 'cdc', password: 'secret' }
    expect(await answer(parameters, who)).toContain('refuses the user or the way of connecting')
    const own = { ...parameters, sslcert: file('cdc.pem'), sslkey: file('cdc.key') }
    expect(await answer(own, who)).toBe('connected')
    expect(await answer({ ...own, sslkey: '' }, who)).toContain('needs both of sslcert and sslkey')
    const locked = { ...own, sslkey: file('locked.key') }
    expect(await answer(locked, who)).toContain('passphrase in the parameter sslpassword')
    expect(await answer({ ...locked, sslpassword: 'secret-of-the-key' }, who)).toBe('connected')
  })
})

test('a connector streams through TLS with a client certificate, its password in a password file', async () => {
  const passwords = file('.pgpass')
  await writeFile(passwords, `localhost:*:*:cdc:secret\n`, { mode: 0o600 })
  vi.stubEnv('PGPASSFILE', passwords)
  try {
    const target = new URL(
      url(
        { sslmode: 'verify-full', sslrootcert: file('ca.pem'), sslcert: file('cdc.pem'), sslkey: file('cdc.key') },
        { user: 'cdc' },
      ),
    )
    target.password = ''
    // The database's own queries use TLS as well.
    const within = { ...database, query: (sql: string) => viaTls(sql) }
    await using connector = await startConnector({ database: within, environment: { DATABASE_URL: target.href } })
    await viaTls(`insert into patients (code) values ('p1')`)
    await connector.whenPatient('p1')
    const sessions = await viaTls(`select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid)
      where application_name = 'mediquo-cdc'`)
    expect(sessions).toEqual([{ ssl: true }])
  } finally {
    vi.unstubAllEnvs()
  }
})

async function viaTls(sql: string) {
  const client = newClient({ connectionString: database.url, ssl: { rejectUnauthorized: false } })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
