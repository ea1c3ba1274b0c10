import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { workspace } from '../../config/loading.ts'

/** Creates a private CA, and a certificate for these host names: `using certificate = privateCertificate(['localhost'])`. */
export function privateCertificate(hosts: readonly string[]) {
  const directory = workspace({
    'leaf.ext': `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}\n`,
  })
  const { cwd } = directory
  const openssl = (command: string) => execFileSync('openssl', command.split(' '), { cwd, stdio: 'pipe' })
  const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
  openssl(`req -x509 ${newKey} -keyout ca.key -out ca.pem -days 2 -subj /CN=private-ca`)
  openssl(`req ${newKey} -keyout leaf.key -out leaf.csr -subj /CN=leaf`)
  openssl('x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out leaf.pem -days 2 -extfile leaf.ext')
  return {
    ca: readFileSync(join(cwd, 'ca.pem'), 'utf8'),
    key: readFileSync(join(cwd, 'leaf.key'), 'utf8'),
    cert: readFileSync(join(cwd, 'leaf.pem'), 'utf8'),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  }
}
