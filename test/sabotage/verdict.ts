import { z } from 'zod'

/** What is needed of the report that vitest writes as JSON. */
export const testReport = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
    }),
  ),
})
export type TestReport = z.infer<typeof testReport>

/** What a test said to a sabotage. `missed`: none noticed it, or only by breaking itself. */
export type Verdict =
  | { readonly kind: 'caught'; readonly file: string; readonly test: string }
  | { readonly kind: 'missed'; readonly why: string }

/**
 * Only an expectation that failed counts: a file that does not load, a hook, a time-out or a TypeError says that something is wrong,
 * not that the promise is broken, and would go on saying so if the test guarded nothing.
 */
export function verdictOf({ testResults }: TestReport): Verdict {
  const failed = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map((result) => ({ name, ...result })),
  )
  const caught = failed.find(({ failureMessages }) => failureMessages?.some(isExpectation))
  if (caught) return { kind: 'caught', file: caught.name, test: caught.fullName }
  const [first] = failed
  if (first)
    return { kind: 'missed', why: `failed, but not by an expectation: ${firstLine(first.failureMessages?.[0])}` }
  const broken = testResults.find(({ status }) => status === 'failed')
  return { kind: 'missed', why: broken ? `did not run: ${firstLine(broken.message)}` : 'every test passed' }
}

/** A report without a failure, of tests that were run. Null, or what is wrong. */
export function faultOf(report: TestReport): string | null {
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults)
  const failed = results.find(({ status }) => status === 'failed')
  if (failed) return `${failed.fullName}: ${firstLine(failed.failureMessages?.[0])}`
  const broken = report.testResults.find(({ status }) => status === 'failed')
  if (broken) return firstLine(broken.message)
  return results.some(({ status }) => status === 'passed') ? null : 'no test was run'
}

/**
 * vitest's expectations, and those of `node:assert`; of `rejects` and `resolves` vitest writes the stack of a plain error. A property
 * of fast-check hides what failed in it: an example beside it is what counts.
 */
function isExpectation(message: string): boolean {
  return /^AssertionError\b|^Error: promise (resolved|rejected) "[\s\S]*" instead of (rejecting|resolving)/.test(
    message,
  )
}

function firstLine(text = ''): string {
  return text.trim().split('\n')[0] ?? ''
}
