import { stringify } from 'yaml'
import type { z } from 'zod'
import type { Attribute } from '../../model/patient/patient.ts'
import { plainSettings, sections } from '../schema/schema.ts'
import { type SettingDoc, settingDocs } from '../schema/setting.ts'

/** Content of a written configuration that replaces the defaults. */
export interface ConfigYamlOptions {
  /** Values by key (`source.table`), in the written form. */
  readonly values?: Readonly<Record<string, unknown>>
  /** Mapping in the written form (`id`, `{ column: sex, values: { M: male } }`). Without it, the example's mapping, commented out. */
  readonly mapping?: readonly { readonly attribute: Attribute; readonly written: unknown; readonly comment?: string }[]
}

/** Returns a commented configuration file with every key. Without options: `config/mediquo-cdc.example.yaml`. */
export function configYaml({ values = {}, mapping }: ConfigYamlOptions = {}): string {
  const { source, ...rest } = sections
  const mappingLines = mapping === undefined ? exampleMapping : mapping.flatMap(mappingLine)
  const decision = mapping === undefined || mapping.some(({ attribute }) => attribute === 'plan') ? [] : planDecision
  return [
    '# The configuration of mediquo-cdc: every key, with its default. docs/configuration.md has it as tables.',
    `# ${reference('NAME')} takes an environment variable, ${reference('NAME:-fallback')} one with a fallback.`,
    '',
    ...sectionLines('source', source.shape, values),
    '',
    '# Where each attribute comes from. Left out: from the column of its own name. It must say where plan comes from, because mediQuo',
    '# unsubscribes a patient that is sent without a plan; `plan: { constant: null }` says that no patient has one.',
    ...(mapping === undefined ? mappingLines : ['mapping:', ...mappingLines, ...decision]),
    '',
    ...Object.entries(plainSettings).flatMap(([name, schema]) => settingLines(name, schema, values[name], '')),
    ...Object.entries(rest).flatMap(([name, { shape }]) => ['', ...sectionLines(name, shape, values)]),
    '',
  ].join('\n')
}

const exampleMapping = [
  '# mapping:',
  '#   code: id',
  '#   first_name: { columns: [given_name, second_name], separator: " " }',
  '#   last_name: family_name',
  '#   gender: { column: sex, values: { M: male, F: female } }',
  '#   birth_date: { column: dob, format: dd/MM/yyyy }    # format: for text columns only',
  '#   email: { column: mail, default: null }',
  '#   plan: { constant: premium }',
]

/** Lines of a mapping without a plan: a person decides, and until then the configuration is refused. */
const planDecision = [
  '  # plan: no column looks like one. Until one of these lines is filled in and uncommented, nothing starts:',
  '  # plan: …                      # the column that has it',
  '  # plan: { constant: premium }  # the same plan for every patient',
  '  # plan: { constant: null }     # no patient has a plan: mediQuo unsubscribes all of them',
]

type MappingEntry = NonNullable<ConfigYamlOptions['mapping']>[number]

function mappingLine({ attribute, written, comment }: MappingEntry): string[] {
  const line = `  ${attribute}: ${scalar(written)}`
  return comment === undefined ? [line] : [`  # ${comment}`, line]
}

function sectionLines(
  section: string,
  shape: Readonly<Record<string, z.ZodType>>,
  values: Readonly<Record<string, unknown>>,
): string[] {
  const settings = Object.entries(shape)
  return [
    `${section}:`,
    ...settings.flatMap(([name, schema]) => settingLines(name, schema, values[`${section}.${name}`], '  ')),
  ]
}

function settingLines(name: string, schema: z.ZodType, value: unknown, indent: string): string[] {
  const doc = settingDocs.get(schema)
  if (doc === undefined) return []
  const { doc: meaning, type, unit } = doc
  return [
    `${indent}# ${meaning} (${unit === undefined ? type : `${type}; ${unit}`})`,
    `${indent}${name}: ${scalar(value === undefined ? writtenDefault(doc) : value)}`,
  ]
}

/** Returns a setting's default as the example writes it. */
export function writtenDefault({ variable, fallback }: SettingDoc): unknown {
  return variable?.isInExample === true ? reference(variable.name) : fallback
}

function reference(name: string): string {
  return `\${${name}}`
}

function scalar(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: true }).trimEnd()
}
