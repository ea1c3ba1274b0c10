import type { SecretSource } from '../../config/value/secret.ts'

export interface ApiKeysOptions {
  readonly apiKey: SecretSource
  readonly secretKey: SecretSource
  /** A file held another key than before. */
  readonly onChanged: () => void
}

/** The API's keys. Once it has refused them, their files are read again before each request, until it accepts one. */
export function createApiKeys({ apiKey, secretKey, onChanged }: ApiKeysOptions) {
  let refused = false
  return {
    answered(status: number | 'no answer'): void {
      if (status !== 'no answer') refused = status === 401
    },
    current() {
      // Both of them: they are changed together.
      if (refused && [apiKey, secretKey].map((key) => key.reread()).includes('changed')) onChanged()
      return { apiKey: apiKey.current.reveal(), secretKey: secretKey.current.reveal() }
    },
  }
}
