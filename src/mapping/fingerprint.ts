import { createHash, createHmac, type KeyObject } from 'node:crypto'
import { ExactNumber } from '../model/json/exact-number.ts'
import { jsonText } from '../model/json/json-text.ts'
import type { Mapping } from '../model/patient/mapping.ts'
import { type Attribute, attributes, isOfKind, type Patient } from '../model/patient/patient.ts'

/**
 * Returns a keyed hash of 16 bytes, hexadecimal, of the payload of a patient and a prefix. It is equal for equal payloads, whatever the
 * order of their keys. Without the key it reveals nothing about them.
 */
export function payloadFingerprint(key: KeyObject, prefix: string, patient: Patient): string {
  let payload = prefix
  for (const attribute of attributes) {
    const value = patient[attribute]
    payload += '\n'
    if (value !== undefined)
      payload += `${attribute}:${isOfKind(attribute, 'object') ? jsonText(sorted(value)) : JSON.stringify(value)}`
  }
  // Text and a key object, for speed: creating buffers takes longer than the hash itself.
  return createHmac('sha256', key).update(payload).digest('hex').slice(0, 32)
}

/**
 * Returns an id of a mapping's meaning. It is equal for the same sources, required attributes and transform text, wherever they stand.
 * @param unpadded columns whose padding is taken off the code.
 */
export function mappingIdOf(
  mapping: Mapping,
  required: readonly Attribute[],
  transformHash: string | null,
  unpadded: readonly string[] = [],
): string {
  const sources = attributes.map((attribute) => {
    const source = mapping[attribute]
    return source === undefined ? null : sorted({ ...source, at: null })
  })
  // Without such a column the id is that of earlier versions, which took no padding off.
  const meaning = JSON.stringify([
    sources,
    required.toSorted(),
    transformHash,
    ...(unpadded.length === 0 ? [] : [{ unpadded }]),
  ])
  return createHash('sha256').update(meaning).digest('hex').slice(0, 32)
}

/** Copies a value with the keys of all objects sorted. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null || value instanceof ExactNumber) return value
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => [key, sorted(item)])
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
