import type { Invalid, Patient } from '../../../src/model/patient/patient.ts'
import type { StoredRow } from '../../../src/model/progress/stored-row.ts'
import type { Content } from '../../../src/pending/entry/version.ts'
import type { Image, RowVersion } from './source-table.ts'
import { patientOf } from './values.ts'

/** Returns true if the publication contains the row. */
export const isPublished = (image: Image | null): image is Image => image !== null && image.letter !== 'F'

/** Contents of row versions as the stream and the reads bring them. Remembers the version of each patient, for the checks. */
export class Contents {
  readonly #made = new WeakMap<object, RowVersion>()
  readonly #fullIdentity: boolean

  /** @param fullIdentity the stream carries the whole old row. */
  constructor(fullIdentity: boolean) {
    this.#fullIdentity = fullIdentity
  }

  /** Returns the version that a patient was made from. */
  madeFrom(content: Content): RowVersion | undefined {
    return content.kind === 'patient' ? this.#made.get(content.patient) : undefined
  }
  /** Returns the version of an invalid row that a dead letter describes. */
  rejectedIn(letter: StoredRow['deadLetter']): RowVersion | undefined {
    return letter === null || letter === 'kept' ? undefined : this.#made.get(letter.attributes)
  }

  /** Returns the content of a change in the stream; null: the row filter leaves the row out before and after. */
  streamed(version: RowVersion): Content | null {
    const { image, before, incomplete } = version
    if (isPublished(image))
      return incomplete && isPublished(before)
        ? { kind: 'incomplete', code: image.code }
        : this.#content(version, image)
    if (!isPublished(before)) return null
    if (!this.#fullIdentity) return { kind: 'removed', code: null, patient: null }
    return {
      kind: 'removed',
      code: before.code,
      patient: before.letter === 'X' ? null : patientOf(before.code, before.letter),
    }
  }

  /** Returns the content of a row in a read; null: the row filter leaves it out. */
  read(version: RowVersion): Content | null {
    return isPublished(version.image) ? this.#content(version, version.image) : null
  }

  #content(version: RowVersion, { code, letter }: Image): Content {
    if (letter === 'X') {
      const invalid: readonly Invalid[] = [{ attribute: 'first_name', reason: 'missing' }]
      this.#made.set(invalid, version)
      return { kind: 'invalid', code, invalid }
    }
    const patient = patientOf(code, letter)
    this.#made.set(patient, version)
    return { kind: 'patient', patient }
  }
}

/** Returns if the API refuses a patient; `maybe`: at random. */
export function refusal({ first_name: letter, plan }: Patient): 'never' | 'maybe' | 'always' {
  if (plan === undefined) return 'never'
  return letter === 'Z' ? 'always' : letter === 'Y' ? 'maybe' : 'never'
}
