import type { SecretSource } from '../../config/value/secret.ts'

export interface ApiKeysOptions {
  readonly apiKey: SecretSource
  readonly secretKey: SecretSource
  /** Called when a file contains another key than before. */
  readonly onChanged: () => void
}

/** Provides the API's keys. After the API has rejected them, it reads their files again before each request until the API accepts a key. */
export function createApiKeys({ apiKey, secretKey, onChanged }: ApiKeysOptions) {
  let refused = false
  return {
    answered(status: number | 'no answer'): void {
      if (status !== 'no answer') refused = status === 401
    },
    current() {
      // Read both, because they are changed together.
      if (refused && [apiKey, secretKey].map((key) => key.reread()).includes('changed')) onChanged()
      return { apiKey: apiKey.current.reveal(), secretKey: secretKey.current.reveal() }
    },
  }
}
