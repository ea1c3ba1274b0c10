import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { sections } from '../../src/config/schema/schema.ts'
import { ProblemsError } from '../../src/model/failure/connector-error.ts'
import { attributes } from '../../src/model/patient/patient.ts'
import { complete, settingsOf } from './loading.ts'

// Documents written by hand, by a template, or by mistake. `FUZZ_RUNS` sets the number of attempts.
const numRuns = Number(process.env.FUZZ_RUNS ?? 500)
/** Secret that may be anywhere in a document: a problem that quotes the document would disclose it. */
const secret = 'sk_9f3-Q7#x'

const settings = Object.values(sections).flatMap(({ shape }) => Object.keys(shape))
const key = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...settings, ...Object.keys(sections), 'mapping', ...attributes) },
  fc.constantFrom(secret, 'a', '__proto__', 'constructor', 'toString', ''),
  fc.string({ maxLength: 5 }),
)
const scalar = fc.oneof(
  fc.constantFrom(secret, `\${A}`, `\${B:-${secret}}`, `\${`, `$\${${secret}`, '', 'public.patients', '30s'),
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
)
const { node } = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    scalar,
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(key, tie('node'), { maxKeys: 4 }),
  ),
}))
/** Sections with settings of their own, deeper than chance would generate. */
const likely = fc.record(
  Object.fromEntries([
    ...Object.entries(sections).map(([name, { shape }]) => [
      name,
      fc.oneof(fc.dictionary(fc.constantFrom(...Object.keys(shape), secret), scalar, { maxKeys: 4 }), node),
    ]),
    ['mapping', fc.oneof(fc.dictionary(fc.constantFrom(...attributes, secret), node, { maxKeys: 4 }), node)],
  ]),
  { requiredKeys: [] },
)
const text = fc.oneof(
  fc.oneof(likely, node).map((value) => stringify(value)),
  fc.string().map((noise) => `${noise}${secret}`),
  fc
    .tuple(
      likely.map((value) => stringify(value)),
      fc.nat(),
      fc.string(),
    )
    .map(([whole, at, noise]) => {
      const from = at % (whole.length + 1)
      return whole.slice(0, from) + noise + whole.slice(from)
    }),
)
/** Values of the environment that replace any value of the file. */
const variables = fc.record(
  { A: fc.constantFrom('', secret), MEDIQUO_BASE_URL: fc.constantFrom(secret, 'https://api.example/v1') },
  { requiredKeys: [] },
)

describe('any document', () => {
  test('gives settings, or problems that quote nothing of it', () => {
    fc.assert(
      fc.property(text, variables, (yaml, more) => {
        try {
          settingsOf(yaml, { ...complete, ...more })
        } catch (error) {
          if (!(error instanceof ProblemsError)) throw error
          expect(error.problems).not.toEqual([])
          expect(error.problems.join('\n')).not.toContain(secret)
          expect(error.message).not.toContain(secret)
        }
      }),
      { numRuns },
    )
  })
})
