import type { Fact, Operation } from './events.ts'

/** Facts since the driver last asked. Frequent kinds are added up: a million changes are a few facts. */
export class Facts {
  #facts: Fact[] = []
  readonly #received = new Map<Operation, number>()
  #superseded: Extract<Fact, { kind: 'settled' }> | null = null
  #owed = 0

  add(fact: Fact): void {
    if (fact.kind === 'received') {
      this.#received.set(fact.operation, (this.#received.get(fact.operation) ?? 0) + fact.changes)
    } else if (fact.kind === 'settled' && fact.outcome === 'superseded') {
      this.#superseded = { ...fact, rows: fact.rows + (this.#superseded?.rows ?? 0) }
    } else if (fact.kind === 'rows owed') this.#owed += fact.rows
    else this.#facts.push(fact)
  }

  get isEmpty(): boolean {
    return this.#facts.length === 0 && this.#received.size === 0 && this.#superseded === null && this.#owed === 0
  }

  drain(): Fact[] {
    const facts = this.#facts
    for (const [operation, changes] of this.#received) facts.push({ kind: 'received', operation, changes })
    if (this.#superseded) facts.push(this.#superseded)
    if (this.#owed > 0) facts.push({ kind: 'rows owed', rows: this.#owed })
    this.#facts = []
    this.#received.clear()
    this.#superseded = null
    this.#owed = 0
    return facts
  }
}
