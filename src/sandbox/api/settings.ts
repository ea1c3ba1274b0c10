import { z } from 'zod'
import { relaxableAttributes } from './patient/validation.ts'
import { errorHints } from './patient/validation-errors.ts'
import { windowKinds } from './rate-limit.ts'

const milliseconds = z.number().min(0)

/** How the sandbox behaves; every setting may change while it runs. */
export const settingsSchema = z.strictObject({
  /** How long an answer takes. */
  latencyMs: milliseconds.default(0),
  /** From acceptance until the patients can be read; each request adds its share of the jitter. */
  applyDelayMs: milliseconds.default(50),
  applyJitterMs: milliseconds.default(0),
  /** How much a 422 tells of what is wrong. */
  errorHints: z.enum(errorHints).default('errors'),
  /** Attributes that need not be sent, as in the documentation's newest edition. */
  optionalAttributes: z.array(z.enum(relaxableAttributes)).default([]),
  /** A larger body gets 413. */
  maxBodyBytes: z
    .int()
    .min(1)
    .default(8 * 1024 * 1024),
  /** What a 429 says of when to come back. */
  retryAfter: z.enum(['seconds', 'date', 'absent']).default('seconds'),
  /** Counted per client address and per endpoint, or for both endpoints together when `shared`. */
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

/** What `X-API-Key` and `X-Secret-Key` must hold; a key without the permission gets 403. */
export const keysSchema = z.strictObject({
  apiKey: z.string().min(1),
  secretKey: z.string().min(1),
  permitted: z.boolean().default(true),
})
export type SandboxKeys = z.input<typeof keysSchema>
