import type { PatientCode } from '../model/patient/patient.ts'

/**
 * Codes that a write takes from its rows. `inDoubt`: those of them of which a lost request may still be applied. `accepted`: those of which
 * mediQuo has accepted something from the row.
 */
export interface Taken {
  readonly codes: readonly PatientCode[]
  readonly inDoubt: readonly PatientCode[]
  readonly accepted: readonly PatientCode[]
}

/** Facts of a code that is taken from a row. */
export interface TakenCode {
  readonly isInDoubt: boolean
  readonly isAccepted: boolean
}

/** Rule 12a: codes that records which are still to be stored take from their rows. The write that stores these names them. */
export class TakenCodes {
  /** Codes taken since a write was composed last. */
  readonly #fresh = new Set<PatientCode>()
  /** Codes of the write that is in progress, or that failed and may have been stored. */
  readonly #writing = new Set<PatientCode>()
  /** Those of either of which a lost request may still be applied, and those of which something was accepted. */
  readonly #inDoubt = new Set<PatientCode>()
  readonly #accepted = new Set<PatientCode>()

  add(code: PatientCode, { isInDoubt, isAccepted }: TakenCode): void {
    this.#fresh.add(code)
    if (isInDoubt) this.#inDoubt.add(code)
    if (isAccepted) this.#accepted.add(code)
  }

  get isEmpty(): boolean {
    return this.#fresh.size + this.#writing.size === 0
  }

  /** Returns true if the store may still say of a row with this code what it said before the code was taken from another row. */
  has(code: PatientCode): boolean {
    return this.#fresh.has(code) || this.#writing.has(code)
  }

  isInDoubt(code: PatientCode): boolean {
    return this.#inDoubt.has(code)
  }
  isAccepted(code: PatientCode): boolean {
    return this.#accepted.has(code)
  }

  /** Returns the codes for the next write. They stay until a write is stored. */
  toRecord(): Taken {
    for (const code of this.#fresh) this.#writing.add(code)
    this.#fresh.clear()
    return { codes: [...this.#writing], inDoubt: [...this.#inDoubt], accepted: [...this.#accepted] }
  }

  /** The write is stored. */
  recorded(): void {
    this.#writing.clear()
    for (const facts of [this.#inDoubt, this.#accepted])
      for (const code of facts) if (!this.#fresh.has(code)) facts.delete(code)
  }
}
