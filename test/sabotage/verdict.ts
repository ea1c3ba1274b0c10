import { z } from 'zod'

/** Part of the JSON report of vitest that is needed. */
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

/** Result of the tests for a sabotage. `missed`: no test failed, or only with an error of its own. */
export type Verdict =
  | { readonly kind: 'caught'; readonly file: string; readonly test: string }
  | { readonly kind: 'missed'; readonly why: string }

/**
 * Judges a report. Only a failed expectation counts. A file that does not load, a hook, a timeout or a TypeError shows an error, but not a
 * broken promise, and would also occur if the test guarded nothing.
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

/** Returns the fault of a report that should show tests without a failure, or null. */
export function faultOf(report: TestReport): string | null {
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults)
  const failed = results.find(({ status }) => status === 'failed')
  if (failed) return `${failed.fullName}: ${firstLine(failed.failureMessages?.[0])}`
  const broken = report.testResults.find(({ status }) => status === 'failed')
  if (broken) return firstLine(broken.message)
  return results.some(({ status }) => status === 'passed') ? null : 'no test was run'
}

/**
 * Returns true for an expectation of vitest or `node:assert`. For `rejects` and `resolves` vitest writes the stack of a plain error. A
 * property of fast-check hides the failed expectation, so a sabotage needs an example as well.
 */
function isExpectation(message: string): boolean {
  return /^AssertionError\b|^Error: promise (resolved|rejected) "[\s\S]*" instead of (rejecting|resolving)/.test(
    message,
  )
}

function firstLine(text = ''): string {
  return text.trim().split('\n')[0] ?? ''
}
