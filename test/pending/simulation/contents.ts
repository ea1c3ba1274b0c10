import type { Mapped, Patient, PatientCode } from '../../../src/model/patient.ts'
import type { Row } from '../../../src/model/row.ts'
import type { Content } from '../../../src/pending/version.ts'
import { patient } from '../rows.ts'
import type { Image, RowVersion } from './source-table.ts'

/** Whether the publication has the row. */
export const isPublished = (image: Image | null): image is Image => image !== null && image.letter !== 'F'

/** Row versions as the stream and the reads bring them. Which version a patient was made from is remembered, for the checks. */
export class Contents {
  readonly #made = new WeakMap<object, RowVersion>()
  readonly #fullIdentity: boolean

  /** @param fullIdentity the stream carries the whole old row. */
  constructor(fullIdentity: boolean) {
    this.#fullIdentity = fullIdentity
  }

  /** The version that a patient, or what is invalid, was made from. */
  madeFrom(content: Content): RowVersion | undefined {
    return this.#made.get(content.kind === 'patient' ? content.patient : content)
  }

  /** A change as the stream brings it; null: the row filter leaves it out before and after. */
  streamed(version: RowVersion): Content | null {
    const { image, before, incomplete } = version
    if (isPublished(image))
      return incomplete && isPublished(before) ? { kind: 'incomplete' } : this.#content(version, image)
    if (!isPublished(before)) return null
    if (!this.#fullIdentity) return { kind: 'removed', code: null, patient: null }
    return { kind: 'removed', code: before.code, patient: before.letter === 'X' ? null : patientOf(before) }
  }

  /** A published row as a read returns it. */
  row(version: RowVersion): Row {
    const { code: of = '', letter = '' } = version.image ?? {}
    const row: Row = new Map([
      ['code', of],
      ['letter', letter],
    ])
    this.#made.set(row, version)
    return row
  }

  /** The mapping's part. */
  map(row: Row): Mapped {
    const version = this.#made.get(row)
    if (!version?.image) throw new Error('a row that no read returned')
    return this.#content(version, version.image)
  }

  codeOf(row: Row): PatientCode | null {
    return this.#made.get(row)?.image?.code ?? null
  }

  #content(version: RowVersion, image: Image): Extract<Content, Mapped> {
    const content: Extract<Content, Mapped> =
      image.letter === 'X'
        ? { kind: 'invalid', code: image.code, invalid: [{ attribute: 'first_name', reason: 'missing' }] }
        : { kind: 'patient', patient: patientOf(image) }
    this.#made.set(content.kind === 'patient' ? content.patient : content, version)
    return content
  }
}

function patientOf({ code: of, letter }: Image): Patient {
  return patient(of, letter)
}

/** Whether the API refuses it; `maybe` if it once does and once does not. */
export function refusal({ first_name: letter, plan }: Patient): 'never' | 'maybe' | 'always' {
  if (plan === undefined) return 'never'
  return letter === 'Z' ? 'always' : letter === 'Y' ? 'maybe' : 'never'
}
