import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadSettings } from '../../src/config/load.ts'
import { complete, problemsOf, settingsOf, workspace } from './loading.ts'

describe('the place of the configuration', () => {
  it('is the defaults when there is no file', () => {
    using directory = workspace()
    const settings = loadSettings({ env: complete, cwd: directory.cwd })
    expect(settings.file).toBeNull()
    expect(settings.mediquo.limits.requestsPerMinute).toBe(600)
    expect(settings.source.url?.current.reveal()).toBe(complete.DATABASE_URL)
  })

  it('prefers --config to MEDIQUO_CDC_CONFIG, and that to the usual place', () => {
    using directory = workspace({
      'config/mediquo-cdc.yaml': 'source: { slot: usual }',
      'variable.yaml': 'source: { slot: variable }',
      'option.yaml': 'source: { slot: option }',
    })
    const { cwd } = directory
    const env = { ...complete, MEDIQUO_CDC_CONFIG: 'variable.yaml' }
    expect(loadSettings({ env: complete, cwd }).source.slot).toBe('usual')
    expect(loadSettings({ env, cwd }).source.slot).toBe('variable')
    expect(loadSettings({ env, cwd, configPath: 'option.yaml' }).source.slot).toBe('option')
  })

  it('is an error for a named file that does not exist', () => {
    using directory = workspace()
    const load = () => loadSettings({ env: complete, cwd: directory.cwd, configPath: 'absent.yaml' })
    expect(problemsOf(load)).toEqual(['absent.yaml: cannot be read (ENOENT)'])
  })

  it('is also the folder of the transform', () => {
    using directory = workspace({ 'etc/cdc.yaml': 'transform: ./transform.js' })
    const settings = loadSettings({ env: complete, cwd: directory.cwd, configPath: 'etc/cdc.yaml' })
    expect(settings.transform).toBe(join(directory.cwd, 'etc/transform.js'))
  })
})

describe('settings', () => {
  it('are all defaults for an empty file and for empty sections', () => {
    using directory = workspace()
    const defaults = { ...loadSettings({ env: complete, cwd: directory.cwd }), file: null }
    for (const yaml of ['', '# nothing\n', 'source:\nmapping:\nmediquo:\nhttp: {}\n']) {
      expect({ ...settingsOf(yaml), file: null }).toEqual(defaults)
    }
  })

  it('turn durations into milliseconds', () => {
    for (const [written, ms] of [
      ['30s', 30_000],
      ['500ms', 500],
      ['2m', 120_000],
      ['1.5s', 1500],
      ['1h', 3_600_000],
    ] as const) {
      expect(settingsOf(`mediquo: { requestTimeout: ${written} }`).mediquo.limits.requestTimeoutMs).toBe(ms)
    }
  })

  it('read table names as SQL does', () => {
    const tables = [
      ['patients', 'public', 'patients'],
      ['His.Patients', 'his', 'patients'],
      ['"His"."Patients"', 'His', 'Patients'],
      ['"a.b"."c""d"', 'a.b', 'c"d'],
      ['pacientes_año', 'public', 'pacientes_año'],
    ] as const
    for (const [written, schema, table] of tables) {
      expect(settingsOf(`source: { table: '${written}' }`).source.table).toEqual({ schema, table })
    }
  })

  it('accept a base URL with or without a trailing slash', () => {
    for (const written of ['https://sdk.mediquo.com/v1', 'https://sdk.mediquo.com/v1/', 'http://127.0.0.1:80/v1']) {
      const { baseUrl } = settingsOf(`mediquo: { baseUrl: "${written}" }`).mediquo
      expect(new URL('patients', baseUrl).pathname).toBe('/v1/patients')
    }
  })

  it('contain the source of each attribute, with its line', () => {
    const yaml = `mapping:
  code: id
  first_name: { columns: [a, b] }
  gender:
    column: sex
    values: { 01: male, 2: female, f: null }
  plan: { constant: premium }
`
    const at = (line: number) => `config/mediquo-cdc.yaml:${line}`
    const plain = { kind: 'columns', separator: ' ', values: null, format: null, fallback: null }
    expect(settingsOf(yaml).mapping).toEqual({
      code: { ...plain, columns: ['id'], at: at(2) },
      first_name: { ...plain, columns: ['a', 'b'], at: at(3) },
      gender: { ...plain, columns: ['sex'], values: { '01': 'male', 2: 'female', f: null }, at: at(4) },
      plan: { kind: 'constant', value: 'premium', at: at(7) },
    })
  })

  it('take the database from the libpq variables when no URL is given', () => {
    const { DATABASE_URL: _, ...keys } = complete
    const env = { ...keys, PGHOST: 'db.example' }
    expect(settingsOf('', env).source.url).toBeNull()
    expect(settingsOf(`source: { url: "\${DATABASE_URL}" }`, env).source.url).toBeNull()
  })

  it('may lack what the command does not need', () => {
    using directory = workspace()
    const load = (needs: readonly ('database' | 'api')[]) =>
      problemsOf(() => loadSettings({ env: {}, cwd: directory.cwd, needs }))
    expect(load([])).toEqual([])
    expect(load(['api'])).toHaveLength(2)
    expect(load(['database'])).toEqual([expect.stringContaining('source.url: is not set')])
  })
})
