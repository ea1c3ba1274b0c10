import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { listSettings } from '../../src/config/input/environment.ts'
import { settingDocs } from '../../src/config/schema/setting.ts'
import { repositoryFiles, textOf } from '../repository/files.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.literal('mediquo-cdc') }) })
const containerSchema = z.object({
  name: z.string(),
  image: z.string(),
  env: z.array(z.object({ name: z.string(), value: z.string() })),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  resources: z.object({ limits: z.object({ memory: z.string() }), requests: z.object({ memory: z.string() }) }),
  securityContext: z.unknown(),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string(), readOnly: z.literal(true) })),
})
const workload = z.object({
  spec: z.object({
    template: z.object({
      spec: z.object({ containers: z.array(z.unknown()), volumes: z.array(z.object({ name: z.string() }).loose()) }),
    }),
  }),
})
const composeSchema = z.object({
  services: z.record(z.string(), z.object({ environment: z.record(z.string(), z.unknown()).optional() }).loose()),
})

const podOf = (path: string) => workload.parse(parse(textOf(path))).spec.template.spec
const standalone = podOf('config/kubernetes/standalone/deployment.yaml')
const sidecar = podOf('config/kubernetes/sidecar/sidecar-patch.yaml')
const container = containerSchema.parse(standalone.containers[0])
const compose = composeSchema.parse(parse(textOf('config/compose.yaml')))
const unit = textOf('config/systemd/mediquo-cdc.service')
const dockerfile = textOf('Dockerfile')

/** Every variable that the connector reads: those of its settings, secrets from files, and the path of its file. */
const variables = new Set([
  'MEDIQUO_CDC_CONFIG',
  ...listSettings().flatMap(({ schema }) => {
    const variable = settingDocs.get(schema)?.variable
    if (variable === undefined) return []
    return variable.isSecret === true ? [variable.name, `${variable.name}_FILE`] : [variable.name]
  }),
])
const has = (program: string) => spawnSync(program, ['--help']).error === undefined

describe('the container in Kubernetes', () => {
  test('is the same alone and as a sidecar', () => {
    expect(sidecar).toEqual({ containers: standalone.containers, volumes: standalone.volumes })
  })

  test('sets variables that the connector reads, and mounts each path', () => {
    expect(container.env.map(({ name }) => name).filter((name) => !variables.has(name))).toEqual([])
    const paths = container.env.map(({ value }) => value).filter((value) => value.startsWith('/'))
    expect(paths).not.toEqual([])
    expect(
      paths.filter((path) => !container.volumeMounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`))),
    ).toEqual([])
    expect(container.volumeMounts.map(({ name }) => name)).toEqual(standalone.volumes.map(({ name }) => name))
  })

  test('has probes that do not depend on the API or on the owner of the slot', () => {
    const { startupProbe, livenessProbe, readinessProbe } = container
    for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
      expect(httpGet.path).toBe('/healthz')
      expect(textOf('src/http/server.ts')).toContain(`app.get('${httpGet.path}'`)
    }
    expect(container.env).toContainEqual({ name: 'HTTP_PORT', value: String(container.ports[0]?.containerPort) })
  })

  test('has no privileges, and is not root', () => {
    expect(container.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(dockerfile).toContain('USER 1000:1000')
  })

  test.skipIf(!has('kubectl')).each([
    ['standalone', ['ConfigMap', 'Deployment', 'PodDisruptionBudget']],
    ['sidecar', ['ConfigMap', 'Deployment']],
  ])('equals the output of kubectl for %s', (overlay, kinds) => {
    const made = execFileSync('kubectl', ['kustomize', `config/kubernetes/${overlay}`], { cwd: root, encoding: 'utf8' })
    const objects = made.split(/^---$/m).map((text) => parse(text))
    expect(objects.map(({ kind }) => kind).toSorted()).toEqual(kinds)
    const { containers, volumes } = workload.parse(objects.find(({ kind }) => kind === 'Deployment')).spec.template.spec
    const ours = z.array(z.object({ name: z.string(), image: z.string() })).parse(containers)
    expect(ours.filter(({ name }) => name === 'mediquo-cdc')).toEqual([
      expect.objectContaining({ image: expect.stringMatching(/^mediquo-cdc:\d/) }),
    ])
    const config = objects.find(({ kind }) => kind === 'ConfigMap')
    expect(volumes).toContainEqual({ name: 'mediquo-cdc-config', configMap: { name: config.metadata.name } })
  })
})

describe('memory', () => {
  test('is 256 MiB everywhere, and V8 has the same heap everywhere', () => {
    expect(container.resources).toEqual({ limits: { memory: '256Mi' }, requests: { memory: '256Mi' } })
    expect(compose.services.connector).toMatchObject({ mem_limit: '256m', memswap_limit: '256m' })
    expect(unit).toContain('MemoryMax=256M')
    const [, image = ''] = /NODE_OPTIONS="([^"]+)"/.exec(dockerfile) ?? []
    expect(unit).toContain(`Environment="NODE_OPTIONS=${image}"\n`)
    expect(image).toMatch(/--max-old-space-size=112 /)
  })
})

describe('config/compose.yaml', () => {
  test('runs the connector without privileges, with variables that it reads and files that exist', () => {
    const { connector, sandbox } = compose.services
    expect(connector).toMatchObject({ read_only: true, cap_drop: ['ALL'], user: '1000:1000' })
    expect(Object.keys(connector?.environment ?? {}).filter((name) => !variables.has(name))).toEqual([])
    // Keys are sent over plain HTTP to a loopback address only, so the sandbox shares the connector's.
    expect(sandbox).toMatchObject({ network_mode: 'service:connector' })
    const named = [...textOf('config/compose.yaml').matchAll(/\.\/([\w./-]+)(?=:|\s})/g)].map(([, path]) => path)
    expect(named).not.toEqual([])
    const files = repositoryFiles()
    expect(named.filter((path) => !files.includes(`config/${path}`))).toEqual([])
  })
})

describe('config/systemd/mediquo-cdc.service', () => {
  test('passes every secret as a credential, in variables that the connector reads', () => {
    const files = [...unit.matchAll(/(\w+_FILE)=%d\/([\w-]+)/g)]
    expect(files).toHaveLength(3)
    for (const [, variable, name] of files) {
      expect(variables).toContain(variable)
      expect(unit).toContain(`LoadCredential=${name}:/etc/mediquo-cdc/${name}\n`)
    }
  })

  test.skipIf(!has('systemd-analyze'))('is accepted by systemd', () => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', 'config/systemd/mediquo-cdc.service'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' })
  })
})
