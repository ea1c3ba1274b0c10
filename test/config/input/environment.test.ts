import { describe, expect, it } from 'vitest'
import { loadSettings } from '../../../src/config/load.ts'
import { complete, problemsOf, settingsOf, workspace, yamlProblems } from '../loading.ts'

/** Writes `${…}` as in a configuration. */
const ref = (inside: string) => `\${${inside}}`

describe('variables in the file', () => {
  it('take their value, or their fallback when unset or empty', () => {
    const yaml = `source: { slot: "${ref('SLOT')}", publication: "${ref('PUB:-fall')}_${ref('EMPTY:-back')}" }`
    const { source } = settingsOf(yaml, { ...complete, SLOT: 'from_env', EMPTY: '' })
    expect(source).toMatchObject({ slot: 'from_env', publication: 'fall_back' })
  })

  it('may give numbers', () => {
    expect(settingsOf(`http:\n  port: ${ref('PORT:-9090')}\n`).http.port).toBe(9090)
  })

  it('are not replaced in the value of a variable, nor in comments', () => {
    const yaml = `# ${ref('NOWHERE')}\nsource:\n  where: ${ref('WHERE')} # ${ref('NOWHERE')}\n`
    expect(settingsOf(yaml, { ...complete, WHERE: ref('NOWHERE') }).source.where).toBe(ref('NOWHERE'))
  })

  it('are literal after a second dollar', () => {
    expect(settingsOf(`source: { where: "a = '$${ref('X')}'" }`).source.where).toBe(`a = '${ref('X')}'`)
  })

  it('are named with key and line when unset', () => {
    expect(yamlProblems(`source:\n  slot: a\n  table: ${ref('TABLE')}\n`)).toEqual([
      'config/mediquo-cdc.yaml:3: source.table: the environment variable TABLE is not set',
    ])
  })

  it('are not required where the environment overrides the key', () => {
    const yaml = `source:\n  url: ${ref('PRIMARY')}\nhttp:\n  host: ${ref('OTHER_HOST')}\n`
    expect(settingsOf(yaml, { ...complete, HTTP_HOST: '::1' }).http.host).toBe('::1')
  })

  it('are refused in another form', () => {
    for (const text of ['$' + '{', ref('a b'), ref('A:?no'), ref('1A')]) {
      expect(yamlProblems(`source: { where: '${text}' }`)).toEqual([
        expect.stringContaining(':1: source.where: has a "$'),
      ])
    }
  })
})

describe('variables that override the file', () => {
  it('take precedence over the file, all of them', () => {
    const yaml =
      'mediquo: { baseUrl: "https://file.example", apiKey: file }\nhttp: { host: file, port: 1 }\nlog: { level: warn }'
    const settings = settingsOf(yaml, {
      ...complete,
      STATE_DATABASE_URL: 'postgres://state/db',
      MEDIQUO_BASE_URL: 'https://env.example',
      HTTP_HOST: '0.0.0.0',
      HTTP_PORT: '0',
      LOG_LEVEL: 'debug',
    })
    expect(settings.state.url?.current.reveal()).toBe('postgres://state/db')
    expect(settings.mediquo.baseUrl.href).toBe('https://env.example/')
    expect(settings.mediquo.apiKey.current.reveal()).toBe('api-key')
    expect(settings.http).toEqual({ host: '0.0.0.0', port: 0 })
    expect(settings.log.level).toBe('debug')
  })

  it('count as unset when empty', () => {
    expect(settingsOf('http: { port: 81 }', { ...complete, HTTP_PORT: '' }).http.port).toBe(81)
  })

  it('are named for problems of their value', () => {
    const env = { ...complete, HTTP_PORT: '70000', LOG_LEVEL: 'loud', MEDIQUO_BASE_URL: 'http://sdk.mediquo.com' }
    expect([...yamlProblems('http: { port: 1 }', env)].sort()).toEqual([
      'environment variable HTTP_PORT: must be between 0 and 65535',
      'environment variable LOG_LEVEL: must be one of: trace, debug, info, warn, error, fatal, silent',
      'environment variable MEDIQUO_BASE_URL: must be https, unless its host is a loopback address',
    ])
  })
})

describe('secrets from files', () => {
  const withoutKey = { DATABASE_URL: complete.DATABASE_URL, MEDIQUO_SECRET_KEY: 'secret-key' }

  it('lose one line break at the end', () => {
    for (const text of ['from-file', 'from-file\n', 'from-file\r\n']) {
      using directory = workspace({ key: text })
      const settings = loadSettings({ env: { ...withoutKey, MEDIQUO_API_KEY_FILE: 'key' }, cwd: directory.cwd })
      expect(settings.mediquo.apiKey.current.reveal()).toBe('from-file')
    }
  })

  it('can be read again, and stay unchanged while the file is unusable', () => {
    using directory = workspace({ key: 'old\n' })
    const { apiKey, secretKey } = loadSettings({
      env: { ...withoutKey, MEDIQUO_API_KEY_FILE: 'key' },
      cwd: directory.cwd,
    }).mediquo
    expect(secretKey.reread()).toBe('fixed')
    expect(apiKey.reread()).toBe('unchanged')
    directory.write('key', '\n')
    expect(apiKey.reread()).toBe('unreadable')
    directory.write('key', 'two words\n')
    expect(apiKey.reread()).toBe('unreadable')
    expect(apiKey.current.reveal()).toBe('old')
    directory.write('key', 'new\n')
    expect(apiKey.reread()).toBe('changed')
    expect(apiKey.current.reveal()).toBe('new')
  })

  it('are given once', () => {
    using directory = workspace({ key: 'k' })
    const env = { ...complete, MEDIQUO_API_KEY_FILE: 'key' }
    expect(problemsOf(() => loadSettings({ env, cwd: directory.cwd }))).toEqual([
      'environment variable MEDIQUO_API_KEY_FILE: MEDIQUO_API_KEY is set too; set one of them',
    ])
  })

  it('are reported as missing once, without the path, which may be the secret itself', () => {
    using directory = workspace({ empty: '' })
    const load = (path: string) =>
      problemsOf(() => loadSettings({ env: { ...withoutKey, MEDIQUO_API_KEY_FILE: path }, cwd: directory.cwd }))
    expect(load('sk_live_1')).toEqual([
      'environment variable MEDIQUO_API_KEY_FILE: names a file that cannot be read (ENOENT)',
    ])
    expect(load('empty')).toEqual(['environment variable MEDIQUO_API_KEY_FILE: names a file that is empty'])
  })
})
