import { describe, expect, it } from 'vitest'
import { complete, yamlProblems } from './loading.ts'

/** Cases of one problem: the YAML, its line, the rest of the message. */
const cases: readonly (readonly [string, number, string | RegExp])[] = [
  ['mediquo:\n  batchSize: 101', 2, 'mediquo.batchSize: must be between 1 and 100'],
  ['mediquo:\n  batchSize: 0', 2, 'mediquo.batchSize: must be between 1 and 100'],
  ['mediquo:\n  batchSize: many', 2, 'mediquo.batchSize: must be a whole number'],
  ['mediquo:\n  batchSize:', 2, 'mediquo.batchSize: must be a whole number'],
  ['mediquo: { requestsPerMinute: 1.5 }', 1, 'mediquo.requestsPerMinute: must be a whole number'],
  ['mediquo: { requestsPerMinute: 0 }', 1, 'mediquo.requestsPerMinute: must be at least 1'],
  ['mediquo: { maxInFlight: 0 }', 1, 'mediquo.maxInFlight: must be at least 1'],
  ['verify: { samplePerMinute: -1 }', 1, 'verify.samplePerMinute: must be at least 0'],
  ['mediquo: { requestTimeout: 30 }', 1, 'mediquo.requestTimeout: must be a duration such as 30s'],
  ['mediquo: { requestTimeout: 30x }', 1, 'mediquo.requestTimeout: must be a duration such as 500ms, 30s or 2m'],
  ['mediquo: { requestTimeout: 0s }', 1, 'mediquo.requestTimeout: must be between 1ms and 1h'],
  ['mediquo:\n  batchsize: 10', 2, 'mediquo.batchsize: is not a known key; did you mean batchSize?'],
  ['mediqou:\n  batchSize: 10', 1, 'mediqou: is not a known key; did you mean mediquo?'],
  ['source: { colour: red }', 1, 'source.colour: is not a known key'],
  ['source: 5', 1, 'source: must hold keys and values'],
  ['- source', 1, 'must hold keys and values'],
  ['just text', 1, 'must hold keys and values'],
  ['source: { slot: Upper }', 1, /^source.slot: must be lower-case/],
  [`source: { slot: ${'a'.repeat(64)} }`, 1, /^source.slot: must be/],
  ['source: { slot: "a; drop table" }', 1, /^source.slot: must be/],
  ['source: { publication: 1a }', 1, /^source.publication: must be/],
  ['source: { publication: "a\\n" }', 1, /^source.publication: must be/],
  ['state: { schema: pg_mine }', 1, 'state.schema: must not begin with pg_'],
  ['source: { table: a.b.c }', 1, /^source.table: must be/],
  ['source: { table: "a b" }', 1, /^source.table: must be/],
  ['source: { onDelete: remove }', 1, 'source.onDelete: must be one of: ignore, unsubscribe'],
  ['mediquo: { baseUrl: "ftp://x" }', 1, 'mediquo.baseUrl: must be an https URL'],
  [
    'mediquo: { baseUrl: "http://10.0.0.1" }',
    1,
    'mediquo.baseUrl: must be https, unless its host is a loopback address',
  ],
  [
    'mediquo: { baseUrl: "http://127.evil.example" }',
    1,
    'mediquo.baseUrl: must be https, unless its host is a loopback address',
  ],
  ['mediquo: { baseUrl: "https://u:p@x" }', 1, 'mediquo.baseUrl: must not hold a user name or a password'],
  ['mediquo: { baseUrl: "https://x/?a=b" }', 1, 'mediquo.baseUrl: must not hold a query or a fragment'],
  ['mediquo: { requiredAttributes: [code] }', 1, 'mediquo.requiredAttributes: must contain code and first_name'],
  [
    'mediquo:\n  requiredAttributes:\n    - code\n    - surname',
    4,
    /^mediquo.requiredAttributes\[1\]: must be one of: code/,
  ],
  ['http: { port: 65536 }', 1, 'http.port: must be between 0 and 65535'],
  ['mapping: { code: 5 }', 1, 'mapping.code: must be a column name, or hold keys and values'],
  ['mapping: { email: null }', 1, 'mapping.email: must be a column name, or hold keys and values'],
  ['mapping:\n  code: id\n  firstname: x', 3, 'mapping.firstname: is not a known key; did you mean first_name?'],
  [
    'mapping:\n  gender: { column: sex, value: {} }',
    2,
    'mapping.gender.value: is not a known key; did you mean values?',
  ],
  ['mapping: { code: {} }', 1, 'mapping.code: must have exactly one of: column, columns, constant'],
  [
    'mapping: { code: { column: a, constant: b } }',
    1,
    'mapping.code: must have exactly one of: column, columns, constant',
  ],
  ['mapping: { plan: { constant: 7 } }', 1, 'mapping.plan.constant: must be text (put a number, yes or no in quotes)'],
  // A template that was not filled in is no decision for null.
  ['mapping:\n  plan:\n    constant:', 3, 'mapping.plan.constant: has no value; write null if that is meant'],
  ['mapping:\n  plan: { constant: }', 2, 'mapping.plan.constant: has no value; write null if that is meant'],
  ['mapping:\n  plan: { constant }', 2, 'mapping.plan.constant: has no value; write null if that is meant'],
  ['mapping:\n  plan:', 2, 'mapping.plan: must be a column name, or hold keys and values'],
  ['mapping:\n  plan: null', 2, 'mapping.plan: must be a column name, or hold keys and values'],
  ['mapping: { plan: { constant: a, default: b } }', 1, 'mapping.plan: a constant takes no other key'],
  ['mapping: { email: { columns: [a], format: b } }', 1, 'mapping.email: values and format need one column'],
  ['mapping: { email: { column: a, separator: b } }', 1, 'mapping.email: a separator needs columns'],
  ['mapping: { gender: { column: a, values: { M: 1 } } }', 1, /^mapping.gender.values.M: must be text/],
  ['source: { slot: a }\nsource: { slot: b }', 2, 'a key is there twice'],
  ['source:\n\tslot: a', 2, 'indent with spaces, not tabs'],
  ['source: &a { slot: b }\nstate: *a', 2, 'state: must not be an alias'],
  ['a: 1\n---\nb: 2', 2, 'the file must hold one YAML document'],
  ['source:\n  slot: "open', 2, /missing/],
  ['source:\n  slot: !vault x', 2, /^a tag is not known/],
]

describe('a problem with the file', () => {
  it.each(cases)('is named with its line: %j', (yaml, line, message) => {
    const [problem = '', ...others] = yamlProblems(yaml)
    const place = `config/mediquo-cdc.yaml:${line}: `
    expect(problem.startsWith(place), problem).toBe(true)
    const rest = problem.slice(place.length)
    if (typeof message === 'string') expect(rest).toBe(message)
    else expect(rest).toMatch(message)
    expect(others).toEqual([])
  })

  it('does not hide the others', () => {
    const yaml = 'log: { level: loud }\nhttp:\n  port: -1\n  prot: 2\nmediquo:\n  apiKey: $' + '{UNSET_KEY}\n'
    expect(yamlProblems(yaml, { DATABASE_URL: complete.DATABASE_URL, MEDIQUO_SECRET_KEY: 's' })).toEqual([
      expect.stringContaining(':1: log.level: '),
      expect.stringContaining(':3: http.port: '),
      expect.stringContaining(':4: http.prot: '),
      expect.stringContaining(':6: mediquo.apiKey: the environment variable UNSET_KEY is not set'),
    ])
  })

  it('can be a missing key', () => {
    expect(yamlProblems('\nmediquo:\n  batchSize: 1\n', {})).toEqual([
      expect.stringMatching(/^config\/mediquo-cdc.yaml: source.url: is not set; set it here or in DATABASE_URL/),
      'config/mediquo-cdc.yaml:2: mediquo.apiKey: is not set; set it here or in MEDIQUO_API_KEY or MEDIQUO_API_KEY_FILE',
      'config/mediquo-cdc.yaml:2: mediquo.secretKey: is not set; set it here or in MEDIQUO_SECRET_KEY or MEDIQUO_SECRET_KEY_FILE',
    ])
  })
})
