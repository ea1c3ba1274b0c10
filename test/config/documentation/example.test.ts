import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { configurationDocument } from '../../../src/config/documentation/documentation.ts'
import { configYaml } from '../../../src/config/documentation/example.ts'
import { settingsOf } from '../loading.ts'

const committed = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

describe('documents generated from the schema', () => {
  it('are up to date (else: npx tsx scripts/write-docs.ts)', () => {
    expect(committed('config/mediquo-cdc.example.yaml')).toBe(configYaml())
    expect(committed('docs/configuration.md')).toBe(configurationDocument())
  })

  it('name every key of the contract and its additions, and no other', () => {
    expect(parse(configYaml())).toEqual({
      source: {
        url: `\${DATABASE_URL}`,
        table: 'public.patients',
        slot: 'mediquo_cdc',
        publication: 'mediquo_cdc',
        where: null,
        onDelete: 'ignore',
        onSlotLost: 'backfill',
        onIdentityChange: 'block',
        onStandby: 'refuse',
        onTruncate: 'reconcile',
        backfill: 'initial',
      },
      onMappingChange: 'backfill',
      transform: null,
      mediquo: {
        baseUrl: 'https://sdk.mediquo.com/v1',
        apiKey: `\${MEDIQUO_API_KEY}`,
        secretKey: `\${MEDIQUO_SECRET_KEY}`,
        requestsPerMinute: 600,
        batchSize: 100,
        maxInFlight: 8,
        requestTimeout: '30s',
        requiredAttributes: ['code', 'first_name', 'gender', 'birth_date'],
      },
      verify: { samplePerMinute: 0 },
      state: { url: null, schema: 'mediquo_cdc', keepRemoved: '30d' },
      http: { host: '127.0.0.1', port: 8080 },
      log: { level: 'info' },
    })
  })

  it('load, and give the defaults', () => {
    expect({ ...settingsOf(configYaml()), file: null }).toEqual({ ...settingsOf(''), file: null })
  })

  it('contain a mapping that loads once it is uncommented', () => {
    const yaml = configYaml().replaceAll(/^# (mapping:| {2})/gm, '$1')
    const { mapping } = settingsOf(yaml)
    expect(Object.keys(mapping ?? {})).toEqual([
      'code',
      'first_name',
      'last_name',
      'gender',
      'birth_date',
      'email',
      'plan',
    ])
    expect(mapping?.gender).toMatchObject({ values: { M: 'male', F: 'female' } })
  })

  it('accept other values and a mapping, and give them back when loaded', () => {
    const yaml = configYaml({
      values: { 'source.table': '"His"."Patients"', 'http.port': 0 },
      mapping: [
        { attribute: 'code', written: 'id', comment: 'the primary key' },
        { attribute: 'gender', written: { column: 'sex: no', values: { '01': 'male', '# 2': 'female' } } },
      ],
    })
    const settings = settingsOf(yaml)
    expect(settings.source.table).toEqual({ schema: 'His', table: 'Patients' })
    expect(settings.http.port).toBe(0)
    expect(settings.mapping?.gender).toMatchObject({ columns: ['sex: no'], values: { '01': 'male', '# 2': 'female' } })
  })
})
