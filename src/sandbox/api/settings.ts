import { z } from 'zod'
import { relaxableAttributes } from './patient/validation.ts'
import { errorHints } from './patient/validation-errors.ts'
import { windowKinds } from './rate-limit.ts'

const milliseconds = z.number().min(0)

/** Settings of the sandbox. Each can change while it runs. */
export const settingsSchema = z.strictObject({
  /** Delay of an answer. */
  latencyMs: milliseconds.default(0),
  /** Time from acceptance until the patients are readable; each request adds its share of the jitter. */
  applyDelayMs: milliseconds.default(50),
  applyJitterMs: milliseconds.default(0),
  /** Detail of the errors in a 422. */
  errorHints: z.enum(errorHints).default('errors'),
  /** Attributes that are optional, as in the newest edition of the documentation. */
  optionalAttributes: z.array(z.enum(relaxableAttributes)).default([]),
  /** Maximum size of a body; a larger one gets 413. */
  maxBodyBytes: z
    .int()
    .min(1)
    .default(8 * 1024 * 1024),
  /** Form of a 429's Retry-After. */
  retryAfter: z.enum(['seconds', 'date', 'absent']).default('seconds'),
  /** Rate limit, counted per client address and per endpoint, or for both endpoints together when `shared`. */
  rateLimit: z
    .strictObject({
      kind: z.enum(windowKinds).default('fixed'),
      limit: z.int().min(1).default(600),
      windowMs: z.int().min(1).default(60_000),
      shared: z.boolean().default(false),
    })
    .prefault({}),
})
export type SandboxSettings = z.output<typeof settingsSchema>
export type SandboxSettingsInput = z.input<typeof settingsSchema>

/** Required values of `X-API-Key` and `X-Secret-Key`; a key without the permission gets 403. */
export const keysSchema = z.strictObject({
  apiKey: z.string().min(1),
  secretKey: z.string().min(1),
  permitted: z.boolean().default(true),
})
export type SandboxKeys = z.input<typeof keysSchema>
