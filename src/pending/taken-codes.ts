import type { PatientCode } from '../model/patient/patient.ts'

/** Rule 12a: codes that records which are still to be stored take from their rows. The write that stores these names them. */
export class TakenCodes {
  /** Codes taken since a write was composed last. */
  readonly #fresh = new Set<PatientCode>()
  /** Codes of the write that is in progress, or that failed and may have been stored. */
  readonly #writing = new Set<PatientCode>()

  add(code: PatientCode): void {
    this.#fresh.add(code)
  }

  get isEmpty(): boolean {
    return this.#fresh.size + this.#writing.size === 0
  }

  /** Returns true if the store may still say of a row with this code what it said before the code was taken from another row. */
  has(code: PatientCode): boolean {
    return this.#fresh.has(code) || this.#writing.has(code)
  }

  /** Returns the codes for the next write. They stay until a write is stored. */
  toRecord(): readonly PatientCode[] {
    for (const code of this.#fresh) this.#writing.add(code)
    this.#fresh.clear()
    return [...this.#writing]
  }

  /** The write is stored. */
  recorded(): void {
    this.#writing.clear()
  }
}
