import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secret, SecretSource } from '../../../src/config/value/secret.ts'
import { ProblemsError } from '../../../src/model/failure/connector-error.ts'
import { complete, settingsOf, yamlProblems } from '../loading.ts'

/** Text that occurs nowhere else. */
const secret = fc.stringMatching(/^[a-z0-9]{12}$/).map((text) => `zq${text}`)

function everyView(value: unknown): string {
  return [JSON.stringify(value), inspect(value, { depth: 9, showHidden: true }), String(value)].join('\n')
}

describe('a secret', () => {
  it('is shown only on request', () => {
    fc.assert(
      fc.property(secret, (value) => {
        for (const holder of [new Secret(value), new SecretSource(value), { deep: [new Secret(value)] }]) {
          expect(everyView(holder)).not.toContain(value)
          expect(everyView({ ...holder })).not.toContain(value)
        }
        expect(new Secret(value).reveal()).toBe(value)
        expect(`${new Secret(value)}`).toBe('[secret]')
      }),
    )
  })

  it('is nowhere in the settings', () => {
    const env = {
      ...complete,
      MEDIQUO_API_KEY: 'zqkey',
      DATABASE_URL: 'postgres://u:zqpw@h/d',
      STATE_DATABASE_URL: 'postgres://u:zqst@h/d',
    }
    expect(everyView(settingsOf('', env))).not.toContain('zq')
  })

  it('is in no error, wherever it is and whatever is wrong around it', () => {
    const templates: readonly ((value: string) => string)[] = [
      (value) => `source: { url: "${value}" }`,
      (value) => `source:\n  url: postgres://u:${value}@h:bad/d`,
      (value) => `source:\n  url:postgres://u:${value}@h/d`,
      (value) => `source:\n  url: postgres://u:${value}@h/d: x`,
      (value) => `source:\n  url: "postgres://u:${value}@h/d`,
      (value) => `source:\n  url: *${value}`,
      (value) => `source:\n  url: &${value} *b`,
      (value) => `source:\n  url: !${value} b`,
      (value) => `source:\n  url: @${value}`,
      (value) => `source:\n  url: "\\${value}"`,
      (value) => `%${value}\nsource: {}`,
      (value) => `mediquo: { apiKey: "${value} x" }`,
      (value) => `mediquo: { apiKey: [${value}] }`,
      (value) => `mediquo: { apiKey: { a: ${value} } }`,
      (value) => `mediquo: { apiKey: { postgres://${value}: 1 } }`,
      (value) => `mediquo: { "postgres://${value}": 1 }`,
      (value) => `mediquo:\n  secretKey: |\n    ${value}\n   ${value}`,
      (value) => `mediquo: { secretKey: '$\{${value} }' }`,
      (value) => `mediquo: { baseUrl: "http://u:${value}@h" }`,
      (value) => `${value}`,
      (value) => `- ${value}: ]`,
    ]
    const env = { DATABASE_URL: undefined }
    fc.assert(
      fc.property(secret, fc.constantFrom(...templates), (value, template) => {
        const problems = yamlProblems(template(value), env)
        expect(problems).not.toEqual([])
        expect(everyView(new ProblemsError('configuration invalid', problems))).not.toContain(value)
      }),
    )
  })

  it('is in no error when it comes from a variable', () => {
    fc.assert(
      fc.property(
        secret,
        fc.constantFrom('DATABASE_URL', 'STATE_DATABASE_URL', 'MEDIQUO_API_KEY', 'MEDIQUO_SECRET_KEY'),
        (value, name) => {
          const problems = yamlProblems('', { ...complete, [name]: `${value} ${value}` })
          expect(problems).toEqual([expect.stringContaining(`environment variable ${name}: must be`)])
          expect(problems.join()).not.toContain(value)
        },
      ),
    )
  })
})
