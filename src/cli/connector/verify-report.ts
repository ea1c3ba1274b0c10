import type { PatientCode } from '../../model/patient/patient.ts'
import { problemText } from '../../model/problem/problem-text.ts'
import type { RespelledCodes } from '../../verify/respelled-codes.ts'
import type { RowVerdict } from '../../verify/row-verdict.ts'
import type { Selection } from '../../verify/selection.ts'
import { hangingIndent, hangingText } from '../terminal/hanging-text.ts'
import { type Paint, plain } from '../terminal/paint.ts'

/** Repair of the rows that differ; null: none was requested. */
export type Repair = { readonly isNew: boolean; readonly isRunning: boolean } | null

interface End {
  /** True if it was not interrupted. */
  readonly isComplete: boolean
  readonly repair: Repair
  /** True if a connector has been started before. */
  readonly isStarted: boolean
  /** Codes that mediQuo returned in another form than they are sent; null: none. */
  readonly respelled?: RespelledCodes['found']
}

/** Report of the comparison, line by line for a person, or as JSON at the end. It contains only codes, keys and names of attributes. */
export class VerifyReport {
  readonly #counts: Record<RowVerdict['kind'], number> = {
    same: 0,
    different: 0,
    missing: 0,
    pending: 0,
    'not sendable': 0,
    'not compared': 0,
  }
  readonly #rows: RowVerdict[] = []
  readonly #unseen: Set<PatientCode>
  readonly #print: (line: string) => void
  readonly #paint: Paint

  /** @param print prints a line; null: no lines. */
  constructor(selection: Selection, print: ((line: string) => void) | null, paint: Paint = plain) {
    this.#unseen = new Set(selection.kind === 'codes' ? selection.codes : [])
    this.#print = print ?? (() => undefined)
    this.#paint = paint
  }

  add(verdicts: readonly RowVerdict[]): void {
    for (const verdict of verdicts) {
      this.#counts[verdict.kind]++
      if (verdict.code !== null) this.#unseen.delete(verdict.code)
      if (verdict.kind === 'same' || verdict.kind === 'not compared') continue
      this.#rows.push(verdict)
      this.#print(line(verdict, this.#paint))
    }
  }

  /** Returns the codes that differ or are missing at mediQuo. */
  get drifted(): PatientCode[] {
    return this.#rows.flatMap((row) => (row.kind === 'different' || row.kind === 'missing' ? [row.code] : []))
  }

  end({ isComplete, repair, isStarted, respelled = null }: End): void {
    if (isComplete) for (const code of this.#unseen) this.#print(`no row         ${code}`)
    const { same, different, missing, pending } = this.#counts
    const counts = `${isComplete ? '' : 'interrupted: '}compared ${same + different + missing + pending} rows: ${same} same, ${different} different, ${missing} missing, ${pending} pending; ${this.#counts['not sendable']} not sendable`
    this.#print(
      this.#paint(
        this.drifted.length > 0 ? 'bad' : pending > 0 ? 'doubtful' : 'good',
        hangingText('', counts, hangingIndent),
      ),
    )
    if (pending > 0) this.#print('pending: the connector has not delivered these rows yet; verify them again later')
    if (respelled !== null) {
      const { title, detail } = problemText({ kind: 'codes respelled', facts: { ...respelled, alike: 0 } })
      this.#print(hangingText('', `${title}: ${detail}`, hangingIndent))
    }
    if (this.drifted.length > 0) this.#print(isStarted ? whatNext(repair) : neverStarted)
  }

  json({ isComplete, repair, respelled = null }: Omit<End, 'isStarted'>): object {
    const { 'not compared': _, 'not sendable': notSendable, ...counts } = this.#counts
    return {
      isComplete,
      ...counts,
      notSendable,
      noRow: isComplete ? [...this.#unseen] : [],
      respelledCodes: respelled?.codes ?? 0,
      rows: this.#rows.map(({ kind, ...row }) => ({ result: kind, ...row })),
      repair: repair && { requested: repair.isNew, connectorRunning: repair.isRunning },
    }
  }
}

const labelWidth = 14

function line(verdict: Exclude<RowVerdict, { kind: 'same' | 'not compared' }>, paint: Paint): string {
  const attributes = 'attributes' in verdict ? verdict.attributes.join(', ') : ''
  const name = verdict.kind === 'not sendable' ? (verdict.code ?? verdict.key) : verdict.code
  const indent = ' '.repeat(labelWidth + 3)
  const text = hangingText(`${verdict.kind.padEnd(labelWidth)} ${name}  `, attributes, indent).trimEnd()
  const isDrift = verdict.kind === 'different' || verdict.kind === 'missing'
  return `${paint(isDrift ? 'bad' : 'doubtful', verdict.kind)}${text.slice(verdict.kind.length)}`
}

const neverStarted = 'no connector was ever started with this state: its first run sends every row'

function whatNext(repair: Repair): string {
  if (!repair) return '--repair sends those rows again'
  const asked = repair.isNew ? 'asked for those rows to be sent again' : 'those rows are to be sent again already'
  return `${asked}; ${repair.isRunning ? 'the connector begins within seconds' : 'the connector does so once it runs'}`
}
